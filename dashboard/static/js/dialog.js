/** Dialogs: one that shows something, and one that asks, says what will happen, and stays open until it has. */

import { el, icon } from './dom.js';

let number = 0;

/** Show a dialog; the returned one is removed when it is closed. `onClose` runs then. */
export function showDialog({ title, content, actions = [], onClose = () => {}, wide = false }) {
  const titleId = `dialog-${(number += 1)}`;
  const close = () => dialog.close();
  const dialog = el(
    'dialog',
    { class: wide ? 'sheet wide' : 'sheet', 'aria-labelledby': titleId },
    el('div', { class: 'dialog-head' }, el('h2', { id: titleId }, title), el('button', { type: 'button', class: 'icon-button', 'aria-label': 'Close', on: { click: close } }, icon('x'))),
    content,
    actions.length ? el('div', { class: 'dialog-actions' }, actions) : null,
  );
  dialog.addEventListener('close', () => (dialog.remove(), onClose()));
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Ask in a form. `run(form)` does it: when it fails the reason is shown and nothing typed is lost. */
export function askInDialog({ title, content, submit, isDanger = false, run, done = () => {} }) {
  const problem = el('p', { class: 'notice notice-bad', role: 'alert', hidden: true });
  const button = el('button', { type: 'submit', class: isDanger ? 'button danger' : 'button primary' }, submit);
  const cancel = el('button', { type: 'button', class: 'button', on: { click: () => dialog.close() } }, 'Cancel');
  const form = el('form', { class: 'dialog-form', on: { submit: send } }, content, problem, el('div', { class: 'dialog-actions' }, cancel, button));
  const dialog = showDialog({ title, content: form });

  async function send(event) {
    event.preventDefault();
    if (button.getAttribute('aria-disabled') === 'true') return;
    button.setAttribute('aria-disabled', 'true');
    problem.hidden = true;
    try {
      const result = await run(form.elements);
      dialog.close();
      done(result);
    } catch (error) {
      problem.replaceChildren(icon('triangle-alert'), el('span', {}, error.message));
      problem.hidden = false;
    } finally {
      button.removeAttribute('aria-disabled');
    }
  }
  return dialog;
}

/** A labelled field with a line of help. */
export function field(name, control, help = null) {
  return el('label', { class: 'field' }, el('span', {}, name), control, help && el('small', { class: 'faint' }, help));
}

/** A text input. */
export function textInput(name, attributes = {}) {
  return el('input', { type: 'text', name, autocomplete: 'off', spellcheck: 'false', ...attributes });
}

/** A choice of [value, words] pairs. */
export function choice(name, pairs, chosen = null) {
  return el('select', { name }, pairs.map(([value, words]) => el('option', { value, selected: value === chosen }, words)));
}

/** Boxes to tick, in a group. */
export function ticks(legend, name, pairs, ticked = []) {
  return el(
    'fieldset',
    { class: 'ticks' },
    el('legend', {}, legend),
    pairs.map(([value, words]) => el('label', { class: 'tick' }, el('input', { type: 'checkbox', name, value, checked: ticked.includes(value) }), el('span', {}, words))),
  );
}

/** The values of the ticked boxes of a name. */
export function tickedIn(elements, name) {
  const boxes = elements[name] instanceof RadioNodeList ? [...elements[name]] : [elements[name]].filter(Boolean);
  return boxes.filter((box) => box.checked).map((box) => box.value);
}
