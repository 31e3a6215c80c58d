/** Cameras that ask to be taken in: each with its code, which a person compares with the one on the camera. */

import { getJson, sendJson } from './api.js';
import { askInDialog, choice, field, textInput } from './dialog.js';
import { el, icon } from './dom.js';
import { siteChoices } from './provision.js';
import { toast } from './toast.js';

const SIGHTINGS = '/api/v1/registry/sightings';
const POLL_MS = 5000;

/** A code in three groups of four, as the camera shows it. */
export function codeGroups(code) {
  return code.match(/.{1,4}/g) ?? [];
}

function codeShown(code) {
  return el('span', { class: 'code-groups', 'aria-label': `code ${[...code].join(' ')}` }, codeGroups(code).map((group) => el('code', {}, group)));
}

/** Keep `box` filled with who waits; it stays hidden while nobody does. */
export function followSightings(box) {
  const state = { shown: '' };
  const load = async () => {
    if (document.hidden || box.contains(document.activeElement)) return;
    const { items } = await getJson(SIGHTINGS).catch(() => ({ items: null }));
    if (items) show(items);
  };
  const show = (items) => {
    const facts = JSON.stringify(items);
    if (facts === state.shown) return;
    state.shown = facts;
    box.hidden = !items.length;
    const count = items.length === 1 ? '1 camera asks' : `${items.length} cameras ask`;
    box.replaceChildren(el('h2', {}, icon('hourglass'), `${count} to be accepted`), el('ul', { class: 'sightings' }, items.map((sighting) => row(sighting, reload))));
  };
  const reload = () => (document.activeElement?.blur(), load());
  load();
  setInterval(load, POLL_MS);
}

function row(sighting, reload) {
  return el(
    'li',
    { 'data-code': sighting.code },
    codeShown(sighting.code),
    el('span', { class: 'sighting-facts' }, el('strong', {}, sighting.name_wish || 'without a name'), el('span', { class: 'faint' }, ' from ', el('span', { class: 'mono' }, sighting.source ?? 'an unknown address'), ', ', el('relative-time', { datetime: sighting.seen_at }))),
    el('span', { class: 'row-actions' }, button('Accept', 'primary', () => accept(sighting, reload)), button('Reject', '', () => reject(sighting, reload))),
  );
}

function button(name, look, run) {
  return el('button', { type: 'button', class: `button ${look}`, on: { click: run } }, name);
}

function compare(code, words) {
  return el('div', { class: 'compare' }, el('p', {}, words), codeShown(code));
}

async function accept({ code, name_wish: wish }, reload) {
  const sites = await siteChoices();
  const isSame = el('input', { type: 'checkbox', name: 'same', required: true });
  askInDialog({
    title: 'Accept this camera',
    submit: 'Accept',
    content: el(
      'div',
      { class: 'fields' },
      compare(code, 'Compare all twelve characters with those that the camera shows. One that differs means that somebody else answers in its place.'),
      el('label', { class: 'tick' }, isSame, el('span', {}, 'I have compared all of it, and it is the same')),
      field('Name', textInput('name', { required: true, maxlength: 120, value: wish ?? '' })),
      field('Site', choice('site', [['', 'No site'], ...sites])),
    ),
    run: (fields) => {
      const site = fields.site.value;
      return sendJson('POST', `${SIGHTINGS}/${encodeURIComponent(code)}/accept`, { name: fields.name.value.trim(), ...(site && { site }) });
    },
    done: () => (toast('Accepted. The camera fetches its certificate within a minute.'), reload()),
  });
}

function reject({ code }, reload) {
  askInDialog({
    title: 'Reject this camera',
    submit: 'Reject',
    isDanger: true,
    content: compare(code, 'It gets no certificate. If it asks again it shows up here again, with the same code.'),
    run: () => sendJson('POST', `${SIGHTINGS}/${encodeURIComponent(code)}/reject`),
    done: () => (toast('Rejected.'), reload()),
  });
}
