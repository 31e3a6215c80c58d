/** Provision many cameras by a list: names in, a CSV of ids and tokens out. */

import { sendJson } from './api.js';
import { askInDialog, field, showDialog } from './dialog.js';
import { el, icon } from './dom.js';

/** Ask for the list and hand out the tokens. */
export function openBatch() {
  const lines = el('textarea', { name: 'lines', rows: 8, required: true, spellcheck: 'false', autofocus: true, placeholder: 'Gate north, north-yard\nGate south, north-yard\nLobby' });
  askInDialog({
    title: 'Provision many cameras',
    submit: 'Make tokens',
    content: el(
      'div',
      { class: 'fields' },
      el('p', { class: 'faint' }, 'One camera a line, at most a thousand. All are registered, or none: the first line that is wrong is named.'),
      field('Cameras', lines, 'A name, and after a comma the id of its site if it has one.'),
    ),
    run: (fields) => sendJson('POST', '/api/v1/registry/batch', { lines: fields.lines.value }),
    done: ({ csv }) => handOut(csv),
  });
}

function handOut(csv) {
  const count = csv.trim().split('\n').length - 1;
  const address = URL.createObjectURL(new Blob([csv], { type: 'text/csv' }));
  const content = el(
    'div',
    { class: 'ticket' },
    el('p', {}, count === 1 ? '1 camera waits for its enrolment.' : `${count} cameras wait for their enrolment.`),
    el('a', { class: 'button primary', href: address, download: 'camfleet-tokens.csv' }, icon('arrow-down'), 'Save ids and tokens'),
    el('p', { class: 'notice' }, icon('info'), el('span', {}, 'The tokens are shown only now: save the list before you close this.')),
  );
  showDialog({ title: 'Tokens are made', content, onClose: () => URL.revokeObjectURL(address) });
}
