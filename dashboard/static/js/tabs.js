/** A row of tabs whose choice is kept in the address; arrow keys walk through them. */

import { onUrlChange, readUrl, writeUrl } from './url_state.js';

export class Tabs {
  /** `tabs` carry data-tab; the first is chosen when the address names none. `clears` are parameters that belong to one tab only. */
  constructor(tabs, { clears = [], onChoose }) {
    this.tabs = tabs;
    this.clears = Object.fromEntries(clears.map((name) => [name, '']));
    this.onChoose = onChoose;
    for (const tab of tabs) {
      tab.addEventListener('click', (event) => this.#press(event));
      tab.addEventListener('keydown', (event) => this.#walk(event));
    }
    onUrlChange(() => onChoose());
  }

  /** The name of the tab that the address chooses. */
  get chosen() {
    const { tab } = readUrl(['tab']);
    return this.tabs.some((one) => one.dataset.tab === tab) ? tab : this.tabs[0].dataset.tab;
  }

  /** Mark the chosen tab. */
  mark() {
    for (const tab of this.tabs) {
      const isChosen = tab.dataset.tab === this.chosen;
      tab.setAttribute('aria-selected', String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      if (isChosen) tab.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    }
  }

  #press(event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    this.#choose(event.currentTarget);
  }

  #walk(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = this.tabs[(this.tabs.indexOf(event.currentTarget) + step + this.tabs.length) % this.tabs.length];
    next.focus();
    this.#choose(next);
  }

  #choose(tab) {
    const name = tab === this.tabs[0] ? '' : tab.dataset.tab;
    writeUrl({ tab: name, ...this.clears }, { push: true });
    this.onChoose();
  }
}
