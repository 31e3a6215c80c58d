/** The Fleet table: only the rows near the window are in the page, so that 10,000 cameras stay quick. */

import { el, icon, oncePerFrame } from './dom.js';
import { COLUMNS } from './fleet_columns.js';

const OVERSCAN = 12;

/** Shows an ordered list of cameras; `onSort(key)` is called when a heading is pressed. */
export class FleetTable {
  #table;
  #body;
  #rows = new Map();
  #cameras = [];
  #before = spacer();
  #after = spacer();

  constructor(table, onSort) {
    this.#table = table;
    this.#body = table.tBodies[0];
    table.tHead.rows[0].replaceChildren(...COLUMNS.map((column) => heading(column, onSort)));
    const draw = oncePerFrame(() => this.#draw());
    addEventListener('scroll', draw, { passive: true });
    addEventListener('resize', draw);
    document.addEventListener('camfleet:walk', (event) => this.#walk(event));
    this.#body.addEventListener('keydown', (event) => this.#open(event));
  }

  /** Whether the person points at the rows, which then must not move. */
  get isPointedAt() {
    return this.#body.matches(':hover');
  }

  /** Show these cameras in this order. */
  show(cameras) {
    this.#cameras = cameras;
    this.#table.removeAttribute('aria-busy');
    this.#table.setAttribute('aria-rowcount', cameras.length + 1);
    this.#draw();
  }

  /** Mark the heading that orders the table. */
  markSort(sort) {
    for (const cell of this.#table.tHead.rows[0].cells) {
      const mine = cell.dataset.key === sort.replace(/^-/, '');
      cell.setAttribute('aria-sort', mine ? (sort.startsWith('-') ? 'descending' : 'ascending') : 'none');
    }
  }

  #draw() {
    const height = this.#rowHeight();
    const top = this.#body.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(-top / height) - OVERSCAN);
    const last = Math.min(this.#cameras.length, Math.ceil((innerHeight - top) / height) + OVERSCAN);
    const shown = this.#cameras.slice(Math.min(first, last), last);
    this.#before.firstChild.style.height = `${Math.min(first, last) * height}px`;
    this.#after.firstChild.style.height = `${(this.#cameras.length - last) * height}px`;
    this.#arrange(shown, first);
  }

  #rowHeight() {
    return parseFloat(getComputedStyle(this.#table).getPropertyValue('--row'));
  }

  #arrange(shown, first) {
    const now = Date.now();
    const kept = new Map(shown.map((camera) => [camera.device_id, this.#rows.get(camera.device_id) ?? newRow(camera)]));
    shown.forEach((camera, offset) => updateRow(kept.get(camera.device_id), camera, first + offset, now));
    this.#rows = kept;
    const wanted = [this.#before, ...kept.values(), this.#after];
    const wantedSet = new Set(wanted);
    for (const row of [...this.#body.children]) if (!wantedSet.has(row)) row.remove();
    wanted.forEach((row, place) => {
      if (this.#body.children[place] !== row) this.#body.insertBefore(row, this.#body.children[place] ?? null);
    });
  }

  #walk(event) {
    if (!this.#cameras.length) return;
    event.preventDefault();
    const here = document.activeElement?.closest('tr[data-device-id]')?.dataset.deviceId;
    const index = this.#cameras.findIndex((camera) => camera.device_id === here);
    const next = index === -1 ? 0 : Math.min(Math.max(index + event.detail, 0), this.#cameras.length - 1);
    const id = this.#cameras[next].device_id;
    this.#rows.get(id)?.scrollIntoView({ block: 'nearest' });
    this.#draw();
    this.#rows.get(id)?.focus({ preventScroll: true });
  }

  #open(event) {
    if (event.key === 'Enter' && event.target.matches('tr[data-device-id]')) event.target.querySelector('a').click();
  }
}

function heading(column, onSort) {
  const arrow = el('span', { class: 'sort-arrow', 'aria-hidden': 'true' }, icon('arrow-up'));
  const button = el('button', { type: 'button', on: { click: () => onSort(column.key) } }, column.name, arrow);
  return el('th', { scope: 'col', 'data-key': column.key, class: column.number ? 'number' : null, 'aria-sort': 'none' }, button);
}

/** Stands for the rows that are not in the page; one cell wide, so that it makes no column where some are hidden. */
function spacer() {
  return el('tr', { class: 'spacer', 'aria-hidden': 'true' }, el('td'));
}

function newRow(camera) {
  const cells = COLUMNS.map((column) => el('td', { class: column.number ? 'number' : null, 'data-key': column.key, 'data-label': column.name }));
  return el('tr', { 'data-device-id': camera.device_id, tabindex: '0', 'data-walk': true }, cells);
}

function updateRow(row, camera, index, now) {
  row.setAttribute('aria-rowindex', index + 2);
  const before = row.dataset.presence;
  if (before !== camera.presence) row.dataset.presence = camera.presence;
  if (before && before !== camera.presence) flash(row);
  COLUMNS.forEach((column, place) => {
    const cell = row.cells[place];
    const facts = JSON.stringify(column.facts(camera, now));
    if (cell.facts === facts) return;
    cell.facts = facts;
    cell.replaceChildren(...column.draw(camera, now).filter(Boolean));
  });
}

function flash(row) {
  row.classList.add('changed');
  row.addEventListener('animationend', () => row.classList.remove('changed'), { once: true });
}
