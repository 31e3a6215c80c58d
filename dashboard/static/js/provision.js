/** Provision a camera: name and site in, one command and its QR code out. */

import { getJson, sendJson } from './api.js';
import { askInDialog, choice, field, textInput } from './dialog.js';
import { el } from './dom.js';
import { openBatch } from './provision_many.js';
import { showTicket } from './secret_note.js';

const REGISTRY = '/api/v1/registry';

/** The sites of the registry as pairs for a choice; none when they cannot be had now. */
export async function siteChoices() {
  const { items } = await getJson(`${REGISTRY}/sites`).catch(() => ({ items: [] }));
  return items.map((site) => [site.id, site.name]);
}

/** Ask for a new camera and show its ticket. */
export async function openProvision(onDone = () => {}) {
  const sites = await siteChoices();
  const many = el('button', { type: 'button', class: 'button quiet', on: { click: () => (dialog.close(), openBatch()) } }, 'Many at once\u2026');
  const dialog = askInDialog({
    title: 'Provision a camera',
    submit: 'Make token',
    content: el(
      'div',
      { class: 'fields' },
      el('div', { class: 'tab-head' }, el('p', { class: 'faint' }, 'The camera is registered as pending, and a token is made with which it enrols once.'), many),
      field('Name', textInput('name', { required: true, maxlength: 120, placeholder: 'Gate north', autofocus: true })),
      field('Site', choice('site', [['', 'No site'], ...sites]), sites.length ? null : 'Sites are added on the Admin page.'),
      field('Device id', textInput('device_id', { maxlength: 64, pattern: 'cam-[a-z0-9\\-]{5,60}', placeholder: 'made from the name' }), 'Never changes. cam- and 5 to 60 of a-z, 0-9, -'),
    ),
    run: (fields) => sendJson('POST', `${REGISTRY}/devices`, newDevice(fields)),
    done: ({ device, enrolment }) => {
      onDone(device);
      showTicket(enrolment, device.name);
    },
  });
}

function newDevice(fields) {
  const given = { name: fields.name.value.trim(), site: fields.site.value, device_id: fields.device_id.value.trim() };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value));
}
