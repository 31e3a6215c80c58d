/** What every page with a rail does: keys, theme, user menu, the live indicator. */

import { feed } from './feed.js';
import { installKeyboard, openHelp } from './keyboard.js';

const WORDS = { connecting: 'connecting…', live: 'live', reconnecting: 'reconnecting…' };

/** `<live-indicator>` says whether what is on screen follows the fleet. */
class LiveIndicator extends HTMLElement {
  connectedCallback() {
    this.setAttribute('role', 'status');
    feed.addEventListener('state', () => this.render());
    this.render();
  }

  render() {
    this.dataset.state = feed.state;
    this.textContent = WORDS[feed.state];
    this.title = feed.state === 'live' ? 'Changes appear as they are stored' : 'What you see may be out of date';
  }
}

const ACTIONS = {
  help: openHelp,
  theme: () => dispatchEvent(new Event('camfleet:theme')),
};

document.addEventListener('click', (event) => {
  const action = event.target.closest?.('[data-action]')?.dataset.action;
  ACTIONS[action]?.();
  const menu = document.querySelector('details.menu[open]');
  if (menu && (action || !menu.contains(event.target))) menu.open = false;
});

customElements.define('live-indicator', LiveIndicator);
installKeyboard();
