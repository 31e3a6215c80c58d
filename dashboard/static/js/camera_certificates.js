/** The Certificates tab: who the camera is to the fleet, its certificates, and what can be done about them. */

import { getJson } from './api.js';
import { isOver, stepList, verdict } from './cutoff.js';
import { el } from './dom.js';
import { actionButtons } from './identity_actions.js';
import { emptyState, failure } from './parts.js';

const COLUMNS = ['Serial', 'State', 'Purpose', 'Issued', 'Expires'];
const REGISTRY = '/api/v1/registry';
const LOOKS = { 'in use': 'online', ready: 'pending', replaced: 'idle', revoked: 'offline', expired: 'idle' };

/** Fill the panel; it loads by itself. */
export function mountCertificates(panel, { camera }) {
  const tab = { isStopped: false, stop: () => (tab.isStopped = true) };
  const load = async () => {
    const found = await ask(camera.device_id).catch((error) => ({ error }));
    if (tab.isStopped) return;
    panel.replaceChildren(...(found.error ? [failure(found.error, load)] : draw(found, load)));
  };
  panel.replaceChildren(el('span', { class: 'skeleton tall' }));
  load();
  return tab;
}

async function ask(deviceId) {
  const one = `${REGISTRY}/devices/${encodeURIComponent(deviceId)}`;
  const device = await getJson(one);
  const wasCutOff = device.denied || device.revoked_at;
  const [certificates, cutoff] = await Promise.all([getJson(`${REGISTRY}/certificates`, { device: deviceId }), wasCutOff ? getJson(`${one}/cutoff`).catch(() => null) : null]);
  return { device, certificates: certificates.items, cutoff };
}

function draw({ device, certificates, cutoff }, load) {
  return [identity(device, load), cutoff && cutOff(cutoff), table(certificates, device)].filter(Boolean);
}

function identity(device, load) {
  const buttons = actionButtons(device, load);
  const isCutOff = device.denied && device.state !== 'decommissioned';
  return el(
    'section',
    { class: 'panel block identity' },
    el('div', {}, el('h2', {}, 'Identity'), el('p', { class: isCutOff ? 'bad-text' : null, 'data-identity': isCutOff ? 'denied' : device.state }, standing(device))),
    buttons.length ? el('div', { class: 'row-actions' }, buttons) : null,
  );
}

function standing(device) {
  if (device.state === 'decommissioned') return 'Decommissioned: it left the fleet for good.';
  if (device.denied) return 'Cut off: its certificates are revoked. It comes back only when it is re-enrolled.';
  if (device.state === 'pending') return 'Pending: it has not enrolled yet.';
  if (device.state === 'rejected') return 'Rejected: it was turned away.';
  return 'Accepted: it proves who it is by its certificate.';
}

function cutOff(cutoff) {
  return el('section', { class: 'panel block cutoff' }, el('h2', {}, isOver(cutoff) ? 'The last cut-off' : 'Being cut off'), el('p', { class: 'faint' }, el('relative-time', { datetime: cutoff.requested_at }), '. ', verdict(cutoff)), stepList(cutoff));
}

/** What a certificate is worth now; `newest` is the one in use that ends last. */
export function certificateState(certificate, newest, now) {
  if (certificate.revoked_at) return 'revoked';
  if (Date.parse(certificate.not_after) <= now) return 'expired';
  if (!certificate.active_at) return 'ready';
  return certificate.serial === newest?.serial ? 'in use' : 'replaced';
}

/** The certificate that the camera is known to use: of those in force, the one that it began to use last. */
export function newestInUse(certificates, now) {
  const inForce = certificates.filter((one) => one.active_at && !one.revoked_at && Date.parse(one.not_after) > now);
  return inForce.sort((one, other) => Date.parse(other.active_at) - Date.parse(one.active_at))[0];
}

function table(certificates, device) {
  if (!certificates.length) return emptyState({ iconName: 'key-round', title: 'No certificate yet', text: 'The camera gets one when it enrols with its token. On the server, this makes a new token:', command: `camfleet devices token ${device.device_id}` });
  const now = Date.now();
  const newest = newestInUse(certificates, now);
  const byStart = [...certificates].sort((one, other) => Date.parse(other.issued_at) - Date.parse(one.issued_at));
  const head = el('thead', {}, el('tr', {}, COLUMNS.map((name) => el('th', { scope: 'col' }, name))));
  const rows = byStart.map((one) => row(one, certificateState(one, newest, now)));
  return el('section', { class: 'panel block' }, el('h2', {}, 'Certificates'), el('div', { class: 'scroll-x' }, el('table', { class: 'data certificates' }, head, el('tbody', {}, rows))));
}

function row(certificate, state) {
  const worth = el('span', { class: 'worth', 'data-tone': LOOKS[state] }, state);
  return el(
    'tr',
    { 'data-serial': certificate.serial, 'data-state': state },
    el('td', {}, el('copy-code', { text: certificate.serial, what: 'serial' })),
    el('td', {}, worth, certificate.revoked_at && el('span', { class: 'faint' }, ' ', el('relative-time', { datetime: certificate.revoked_at }))),
    el('td', {}, certificate.purpose ?? '\u2013'),
    el('td', {}, el('relative-time', { datetime: certificate.issued_at })),
    el('td', {}, el('relative-time', { datetime: certificate.not_after })),
  );
}
