/** The Admin page: people, API tokens, sites, authorities and the audit logs, each a tab that is kept in the address. */

import { mountAudit } from './admin_audit.js';
import { mountAuthorities } from './admin_authorities.js';
import { mountPeople } from './admin_people.js';
import { mountSites } from './admin_sites.js';
import { mountTokens } from './admin_tokens.js';
import { feed } from './feed.js';
import { failure } from './parts.js';
import { el } from './dom.js';
import { Tabs } from './tabs.js';
import './time.js';

const MOUNTED = { people: mountPeople, tokens: mountTokens, sites: mountSites, authorities: mountAuthorities, audit: mountAudit };
const page = document.querySelector('.admin');
const panel = page.querySelector('#panel');
const view = { turn: 0 };
const tabs = new Tabs([...page.querySelectorAll('[role="tab"]')], { clears: ['camera', 'of'], onChoose: show });

/** Each tab loads its nodes and is drawn anew by `reload`. */
async function show() {
  const name = tabs.chosen;
  const turn = (view.turn += 1);
  tabs.mark();
  panel.setAttribute('aria-labelledby', `tab-${name}`);
  if (panel.dataset.tab !== name) panel.replaceChildren(el('span', { class: 'skeleton tall' }));
  panel.dataset.tab = name;
  const nodes = await MOUNTED[name](show).catch((error) => [failure(error, show)]);
  if (turn !== view.turn) return;
  panel.replaceChildren(...nodes);
  panel.removeAttribute('aria-busy');
}

show();
feed.start(null);
