/** The keys that work on every page: search, go, next and previous, help, close. */

import { isTyping } from './dom.js';

const PLACES = { f: '/', r: '/review', ...(document.body.dataset.role === 'admin' && { a: '/admin' }) };
const CHORD_MS = 1200;
let chordUntil = 0;

/** Listen for keys; lists mark what J and K walk through with `data-walk`. */
export function installKeyboard() {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape') return escape(event);
    if (isTyping(event.target) || document.querySelector('dialog[open]')) return;
    if (press(event.key)) event.preventDefault();
  });
}

function press(key) {
  if (Date.now() < chordUntil) {
    chordUntil = 0;
    return PLACES[key] ? (location.assign(PLACES[key]), true) : false;
  }
  const action = ACTIONS[key];
  if (action) action();
  return Boolean(action);
}

const ACTIONS = {
  g: () => (chordUntil = Date.now() + CHORD_MS),
  '/': () => focusSearch(),
  '?': () => openHelp(),
  j: () => walk(1),
  J: () => walk(1),
  k: () => walk(-1),
  K: () => walk(-1),
};

function focusSearch() {
  const field = document.querySelector('[data-search]');
  field?.focus();
  field?.select();
}

/** Show what the keys do. */
export function openHelp() {
  document.querySelector('#help')?.showModal();
}

/** A page may walk by itself (a windowed table does): it then handles `camfleet:walk` and prevents its default. */
function walk(step) {
  const event = new CustomEvent('camfleet:walk', { detail: step, cancelable: true });
  if (!document.dispatchEvent(event)) return;
  const stops = [...document.querySelectorAll('[data-walk]')].filter((stop) => stop.checkVisibility());
  const here = stops.indexOf(document.activeElement?.closest('[data-walk]'));
  const next = here === -1 ? (step > 0 ? 0 : stops.length - 1) : Math.min(Math.max(here + step, 0), stops.length - 1);
  stops[next]?.focus();
  stops[next]?.scrollIntoView({ block: 'nearest' });
}

function escape(event) {
  const menu = document.querySelector('details.menu[open]');
  if (menu) {
    menu.open = false;
    menu.querySelector('summary').focus();
  } else if (isTyping(event.target) || event.target.closest?.('[data-walk]')) {
    event.target.blur();
  }
}
