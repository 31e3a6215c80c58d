/** What people do to a camera's identity; each dialog names what will happen before it does. */

import { sendJson } from './api.js';
import { showCutoff } from './cutoff.js';
import { askInDialog } from './dialog.js';
import { el } from './dom.js';
import { may } from './roles.js';
import { showTicket } from './secret_note.js';

const ACTIONS = {
  token: {
    name: 'New token',
    role: 'operator',
    fits: (device) => device.state === 'pending',
    says: ['A new enrolment token is made; an older one that was not used ends.'],
    after: (device, answer, reload) => showTicket(answer, device.name, reload),
  },
  reject: {
    name: 'Reject',
    role: 'operator',
    isDanger: true,
    fits: (device) => device.state === 'pending',
    says: ['Its enrolment token ends, and no certificate is given.', 'It stays in the registry as rejected; its id is never given again.'],
  },
  reenrol: {
    name: 'Re-enrol',
    path: 're-enrol',
    role: 'admin',
    fits: (device) => device.state === 'accepted',
    says: ['A token is made with which the camera makes a new key and gets a new certificate.', 'A cut-off camera is let in again as soon as it has enrolled.'],
    after: (device, answer, reload) => showTicket(answer.enrolment ?? answer, device.name, reload),
  },
  revoke: {
    name: 'Revoke',
    role: 'admin',
    isDanger: true,
    fits: (device) => device.state === 'accepted' && !device.denied,
    says: ['Every certificate of this camera is revoked, and its connection is closed within seconds.', 'It cannot come back by itself: somebody must re-enrol it.', 'What it reported stays.'],
    after: (device, _answer, reload) => showCutoff(device.device_id, device.name, reload),
  },
  decommission: {
    name: 'Decommission',
    role: 'admin',
    isDanger: true,
    fits: (device) => device.state !== 'decommissioned',
    says: ['The camera is cut off and leaves the fleet for good.', 'Its name becomes free; its id is never given again, and it cannot be re-enrolled.', 'What it reported stays.'],
    after: (device, answer, reload) => (answer.denied || answer.revoked_at ? showCutoff(device.device_id, device.name, reload) : reload()),
  },
};

/** The buttons for what the person may do with a device now; `reload` runs after each. */
export function actionButtons(device, reload) {
  const fitting = Object.entries(ACTIONS).filter(([, action]) => may(action.role) && action.fits(device));
  return fitting.map(([key, action]) => el('button', { type: 'button', class: action.isDanger ? 'button danger-line' : 'button', 'data-do': key, on: { click: () => ask(key, action, device, reload) } }, `${action.name}\u2026`));
}

function ask(key, action, device, reload) {
  const address = `/api/v1/registry/devices/${encodeURIComponent(device.device_id)}/${action.path ?? key}`;
  askInDialog({
    title: `${action.name}: ${device.name}`,
    submit: action.name,
    isDanger: action.isDanger,
    content: el('div', { class: 'consequences' }, el('p', {}, 'What will happen:'), el('ul', {}, action.says.map((line) => el('li', {}, line))), el('p', { class: 'mono faint' }, device.device_id)),
    run: () => sendJson('POST', address),
    done: (answer) => (action.after ?? ((_device, _answer, ready) => ready()))(device, answer, reload),
  });
}
