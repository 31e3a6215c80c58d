/** The audit logs of both programs: who did what, when, from where; newest first, page by page. */

import { tabHead } from './admin_table.js';
import { getJson } from './api.js';
import { el } from './dom.js';
import { emptyState, failure } from './parts.js';
import { readUrl, writeUrl } from './url_state.js';

const LOGS = [
  ['devices', 'Cameras and certificates'],
  ['people', 'People'],
];
const COLUMNS = ['When', 'Who', 'What', 'About', 'From'];

/** Draw the tab; its log and camera are kept in the address. */
export async function mountAudit(reload) {
  const { camera, of } = readUrl(['camera', 'of']);
  const log = of === 'people' ? 'people' : 'devices';
  const query = log === 'devices' ? { device: camera } : {};
  const first = await getJson(`/api/v1/audit/${log}`, query);
  const list = new AuditList(log, query);
  list.add(first);
  return [tabHead(['Lines are only ever added, each chained to the one before. On the server, ', el('code', {}, 'camfleet audit verify'), ' checks the chain.']), filters(log, camera, reload), list.box];
}

function filters(log, camera, reload) {
  const go = (values) => (writeUrl(values, { push: true }), reload());
  const chips = LOGS.map(([value, words]) => el('button', { type: 'button', class: 'chip', 'aria-pressed': String(value === log), on: { click: () => go({ of: value === 'devices' ? '' : value }) } }, words));
  const input = el('input', { type: 'search', name: 'camera', placeholder: 'Device id of one camera', 'aria-label': 'Device id of one camera', value: camera, autocomplete: 'off', spellcheck: 'false', 'data-search': true });
  const send = (event) => (event.preventDefault(), go({ camera: input.value.trim() }));
  const search = log === 'devices' && el('form', { role: 'search', on: { submit: send } }, input);
  return el('div', { class: 'filterbar' }, el('div', { class: 'chips', role: 'group', 'aria-label': 'Log' }, chips), search || null);
}

class AuditList {
  constructor(log, query) {
    this.log = log;
    this.query = query;
    this.body = el('tbody');
    this.older = el('button', { type: 'button', class: 'button', hidden: true, on: { click: () => this.loadOlder() } }, 'Load older');
    const head = el('thead', {}, el('tr', {}, COLUMNS.map((name) => el('th', { scope: 'col' }, name))));
    this.table = el('div', { class: 'panel scroll-x' }, el('table', { class: 'data admin-table audit', 'aria-label': 'Audit log' }, head, this.body));
    this.slot = el('div');
    this.box = el('div', {}, this.table, this.slot, el('p', { class: 'older' }, this.older));
  }

  add({ items, cursor }) {
    this.cursor = cursor;
    this.older.hidden = !cursor;
    this.body.append(...items.map(row));
    this.table.hidden = !this.body.children.length;
    const nothing = { iconName: 'scroll-text', title: 'Nothing on record here', text: 'What is done to cameras, certificates, tokens and people appears here.' };
    this.slot.replaceChildren(...(this.table.hidden ? [emptyState(nothing)] : []));
  }

  async loadOlder() {
    const page = await getJson(`/api/v1/audit/${this.log}`, { ...this.query, cursor: this.cursor }).catch((error) => ({ error }));
    if (page.error) return void this.slot.replaceChildren(failure(page.error, () => this.loadOlder()));
    this.add(page);
  }
}

function row(entry) {
  return el(
    'tr',
    { tabindex: '-1', 'data-walk': true, 'data-action-name': entry.action },
    el('td', { 'data-column': COLUMNS[0] }, el('relative-time', { datetime: entry.at, form: 'clock' })),
    el('td', { 'data-column': COLUMNS[1] }, entry.actor_name ?? entry.actor),
    el('td', { 'data-column': COLUMNS[2] }, entry.action.replaceAll(/[.-]/g, ' ')),
    el('td', { 'data-column': COLUMNS[3] }, entry.device_id && el('a', { href: `/cameras/${encodeURIComponent(entry.device_id)}`, class: 'mono' }, entry.device_id), ' ', el('span', { class: 'faint' }, detailWords(entry.detail))),
    el('td', { 'data-column': COLUMNS[4], class: 'mono' }, entry.source ?? '\u2013'),
  );
}

/** A detail is a text, a list, or names with values, which may hold more of the same; what is not known is left out. */
export function detailWords(detail) {
  if (detail === null || detail === undefined) return '';
  if (Array.isArray(detail)) return detail.map(detailWords).join(', ');
  if (typeof detail !== 'object') return String(detail);
  const told = Object.entries(detail).map(([name, value]) => [name.replaceAll('_', ' '), detailWords(value)]);
  return told.filter(([, words]) => words).map((pair) => pair.join(' ')).join(' · ');
}
