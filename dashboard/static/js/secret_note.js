/** What is shown once: a ticket for a camera with command and QR code, a token, a password. */

import { el, icon } from './dom.js';
import { showDialog } from './dialog.js';
import './parts.js';
import './time.js';

/** Show an enrolment ticket: one command for the camera, and the same as a QR code. */
export function showTicket(ticket, name, onClose) {
  const picture = ticket.qr && el('img', { class: 'qr', src: ticket.qr, alt: 'QR code of the command', width: 200, height: 200 });
  const content = el(
    'div',
    { class: 'ticket' },
    el('p', {}, 'Run this on the camera, or let its installer read the code:'),
    el('copy-code', { class: 'block', text: ticket.command, what: 'command' }),
    picture,
    el('p', { class: 'faint' }, 'The token works once, until ', el('relative-time', { datetime: ticket.expires_at, form: 'clock' }), '. It is shown only now; a new one can be made on the camera\u2019s page.'),
  );
  return showDialog({ title: `Enrol ${name}`, content, actions: [doneButton()], onClose });
}

/** Show a secret that nobody can show again. */
export function showSecret({ title, text, secret, what }, onClose) {
  const content = el(
    'div',
    { class: 'ticket' },
    el('p', {}, text),
    el('copy-code', { class: 'block', text: secret, what }),
    el('p', { class: 'notice' }, icon('info'), el('span', {}, 'It is shown only now: copy it to where it belongs before you close this.')),
  );
  return showDialog({ title, content, actions: [doneButton()], onClose });
}

function doneButton() {
  return el('button', { type: 'button', class: 'button primary', on: { click: (event) => event.currentTarget.closest('dialog').close() } }, 'Done');
}
