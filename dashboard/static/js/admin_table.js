/** The parts that the tabs of the Admin page share: a head with a button, a table, a dialog that asks to be sure. */

import { askInDialog } from './dialog.js';
import { el, icon } from './dom.js';

/** What a tab is about (a text or nodes), and the button that adds one more. */
export function tabHead(text, action = null) {
  const button = action && el('button', { type: 'button', class: 'button primary', on: { click: action.run } }, icon(action.icon ?? 'plus'), action.name);
  return el('div', { class: 'tab-head' }, el('p', { class: 'faint' }, text), button);
}

/** A table: `columns` are names, `rows` arrays of cells, each a node, a text or a list of both. */
export function dataTable(columns, rows, label) {
  const head = el('thead', {}, el('tr', {}, columns.map((name) => el('th', { scope: 'col' }, name || el('span', { class: 'visually-hidden' }, 'Actions')))));
  const cells = (row) => row.map((cell, place) => el('td', { 'data-column': columns[place] || null }, cell ?? el('span', { class: 'faint' }, '\u2013')));
  const body = rows.map((row) => el('tr', { tabindex: '-1', 'data-walk': true }, cells(row)));
  return el('div', { class: 'panel scroll-x' }, el('table', { class: 'data admin-table', 'aria-label': label }, head, el('tbody', {}, body)));
}

/** A button in a row. */
export function rowButton(name, run, about) {
  return el('button', { type: 'button', class: 'button quiet', 'aria-label': `${name} ${about}`, on: { click: run } }, name);
}

/** Say what will happen and do it when the person agrees. */
export function confirm({ title, submit, says, run, done }) {
  const content = el('div', { class: 'consequences' }, el('p', {}, 'What will happen:'), el('ul', {}, says.map((line) => el('li', {}, line))));
  askInDialog({ title, submit, isDanger: true, content, run, done });
}
