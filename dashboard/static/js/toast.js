/** Short messages in the corner that go by themselves, unless they report a failure. */

import { el, icon } from './dom.js';

const STAY_MS = 6000;

/** Show `text`; kind is "info" or "bad". An optional action {name, run} is offered beside it. */
export function toast(text, kind = 'info', action = null) {
  const box = document.querySelector('.toasts');
  if ([...box.children].some((shown) => shown.dataset.text === text)) return;
  const remove = () => note.remove();
  const note = el(
    'div',
    { class: 'toast', 'data-kind': kind, 'data-text': text },
    icon(kind === 'bad' ? 'triangle-alert' : 'info'),
    el('p', {}, text),
    action && el('button', { type: 'button', class: 'button quiet', on: { click: () => (remove(), action.run()) } }, action.name),
    el('button', { type: 'button', class: 'icon-button', 'aria-label': 'Dismiss', on: { click: remove } }, icon('x')),
  );
  box.append(note);
  if (kind !== 'bad') setTimeout(remove, STAY_MS);
}
