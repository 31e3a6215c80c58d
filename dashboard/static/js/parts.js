/** Small elements used on several pages: status pill, code with a copy button, empty state, failure with retry. */

import { el, icon, setText } from './dom.js';
import { reasonWords, stateLook } from './words.js';
import { toast } from './toast.js';

/** `<status-pill state="offline">`: icon and word; the reason stands beside it as text. */
class StatusPill extends HTMLElement {
  static observedAttributes = ['state'];

  connectedCallback() {
    if (!this.firstChild) this.render();
  }

  attributeChangedCallback(_name, before, after) {
    if (before !== after) this.render();
  }

  render() {
    const look = stateLook(this.getAttribute('state'));
    this.dataset.tone = look.tone;
    this.replaceChildren(icon(look.icon), look.word);
  }
}

/** `<copy-code>`: an id or command in mono with a button that copies it. */
class CopyCode extends HTMLElement {
  static observedAttributes = ['text'];

  connectedCallback() {
    if (this.firstChild) return;
    const name = `Copy ${this.getAttribute('what') ?? ''}`.trim();
    this.button = el('button', { type: 'button', class: 'icon-button', 'aria-label': name, title: name, on: { click: () => this.copy() } }, icon('copy'));
    this.append(el('code', {}, this.getAttribute('text') ?? ''), this.button);
  }

  attributeChangedCallback() {
    const code = this.querySelector('code');
    if (code) setText(code, this.getAttribute('text') ?? '');
  }

  async copy() {
    try {
      await navigator.clipboard.writeText(this.getAttribute('text'));
      this.button.replaceChildren(icon('check'));
      setTimeout(() => this.button.replaceChildren(icon('copy')), 1500);
    } catch {
      getSelection().selectAllChildren(this.querySelector('code'));
      toast('The browser does not allow copying here; the text is selected.');
    }
  }
}

customElements.define('status-pill', StatusPill);
customElements.define('copy-code', CopyCode);

/** What stands where nothing is: a title, what to do next, and the command or button for it. */
export function emptyState({ iconName, title, text, command, action }) {
  return el(
    'div',
    { class: 'empty' },
    icon(iconName),
    el('h2', {}, title),
    text && el('p', {}, text),
    command && el('copy-code', { class: 'block', text: command, what: 'command' }),
    action && el('button', { type: 'button', class: 'button', on: { click: action.run } }, action.name),
  );
}

/** A failed load, with its reason and a way to try again. */
export function failure(error, retry) {
  return emptyState({ iconName: 'unplug', title: 'This could not be loaded', text: error.message, action: { name: 'Try again', run: retry } });
}

/** `online, since 3 min · reason`: the text beside a status pill, as nodes. */
export function stateNote(reason, since) {
  const text = reasonWords(reason);
  return [
    text && el('span', { class: 'reason', 'data-reason': reason }, text),
    since && el('relative-time', { class: 'since', datetime: since, form: 'span' }),
  ].filter(Boolean);
}
