/** The authorities: which root cameras trust, who signs now, and how long each revocation list is good. */

import { dataTable, tabHead } from './admin_table.js';
import { getJson } from './api.js';
import { el, icon } from './dom.js';

const ALERT_MS = 3 * 86400000;

/** Draw the tab. */
export async function mountAuthorities() {
  const { root, issuing, crls } = await getJson('/api/v1/registry/ca');
  const now = Date.now();
  const due = crls.filter((crl) => Date.parse(crl.next_update) - now < ALERT_MS);
  const authorities = [['Root', root], ['Issuing CA', issuing]].map(([role, one]) => [el('strong', {}, role), one.name, el('relative-time', { datetime: one.not_after }), el('copy-code', { text: one.fingerprint, what: 'fingerprint' })]);
  const lists = crls.map((crl) => [el('copy-code', { text: crl.issuer_ski, what: 'issuer' }), String(crl.number), el('relative-time', { datetime: crl.this_update }), el('relative-time', { datetime: crl.next_update, class: due.includes(crl) ? 'bad-text' : null })]);
  return [
    tabHead(['Compare the root with what ', el('code', {}, 'camfleet ca show'), ' prints on the server.']),
    due.length ? alarm() : null,
    dataTable(['Authority', 'Name', 'Ends', 'SHA-256'], authorities, 'Authorities'),
    el('h2', { class: 'table-head' }, 'Revocation lists'),
    dataTable(['Issuer', 'Number', 'Signed', 'Good until'], lists, 'Revocation lists'),
  ].filter(Boolean);
}

function alarm() {
  const words = ['A revocation list ends within three days; when it has ended, no camera is let in. See whether the courier runs, or sign new ones on the server: ', el('code', {}, 'camfleet ca renew')];
  return el('p', { class: 'notice notice-bad', role: 'alert' }, icon('triangle-alert'), el('span', {}, words));
}
