/** People: who may log in, with which role, for which sites. */

import { confirm, dataTable, rowButton, tabHead } from './admin_table.js';
import { getJson, sendJson } from './api.js';
import { askInDialog, choice, field, textInput, tickedIn, ticks } from './dialog.js';
import { el } from './dom.js';
import { siteChoices } from './provision.js';
import { showSecret } from './secret_note.js';
import { toast } from './toast.js';

const PEOPLE = '/api/v1/people';
const ROLES = [
  ['viewer', 'Viewer: looks at cameras and events'],
  ['operator', 'Operator: also provisions, accepts and rejects cameras'],
  ['admin', 'Admin: everything, also people, tokens and cutting off'],
];

/** Draw the tab. */
export async function mountPeople(reload) {
  const [{ items }, sites] = await Promise.all([getJson(PEOPLE), siteChoices()]);
  const names = new Map(sites);
  const rows = items.map((user) => [
    [el('strong', {}, user.name), user.is_me ? el('span', { class: 'faint' }, ' (you)') : null],
    user.role,
    user.site_ids === null ? 'every site' : user.site_ids.map((id) => names.get(id) ?? id).join(', ') || 'no site',
    el('relative-time', { datetime: user.created_at }),
    buttons(user, sites, reload),
  ]);
  return [
    tabHead('Who may log in. A change holds from the person\u2019s next click on.', { name: 'Add a person', icon: 'user-plus', run: () => add(sites, reload) }),
    dataTable(['Name', 'Role', 'Sites', 'Added', ''], rows, 'People'),
  ];
}

function buttons(user, sites, reload) {
  return el(
    'span',
    { class: 'row-actions' },
    rowButton('Change', () => change(user, sites, reload), user.name),
    rowButton('New password', () => renew(user, reload), user.name),
    user.is_me ? null : rowButton('Remove', () => remove(user, reload), user.name),
  );
}

function rightsFields(user, sites) {
  const known = sites.length ? ticks('Only these sites (none ticked: every site)', 'site', sites, user?.site_ids ?? []) : null;
  return [field('Role', choice('role', ROLES, user?.role ?? 'viewer'), 'An admin is always for every site.'), known];
}

function rightsOf(fields) {
  const sites = fields.site ? tickedIn(fields, 'site') : [];
  const isLimited = sites.length && fields.role.value !== 'admin';
  return { role: fields.role.value, site_ids: isLimited ? sites : null };
}

function add(sites, reload) {
  askInDialog({
    title: 'Add a person',
    submit: 'Add',
    content: el('div', { class: 'fields' }, field('User name', textInput('name', { required: true, maxlength: 80, autofocus: true })), ...rightsFields(null, sites)),
    run: (fields) => sendJson('POST', PEOPLE, { name: fields.name.value, ...rightsOf(fields) }),
    done: ({ user, password }) => tell(user, password, reload),
  });
}

function tell(user, password, reload) {
  showSecret({ title: `Password of ${user.name}`, text: `Give this password to ${user.name}:`, secret: password, what: 'password' }, reload);
}

function change(user, sites, reload) {
  askInDialog({
    title: `Change ${user.name}`,
    submit: 'Change',
    content: el('div', { class: 'fields' }, ...rightsFields(user, sites)),
    run: (fields) => sendJson('PATCH', `${PEOPLE}/${user.id}`, rightsOf(fields)),
    done: () => (toast(`${user.name} was changed.`), reload()),
  });
}

function renew(user, reload) {
  const says = [`${user.name} gets a new password, which is shown to you once.`, 'The old one ends, and so does every session.'];
  confirm({ title: `New password for ${user.name}`, submit: 'Make password', says, run: () => sendJson('POST', `${PEOPLE}/${user.id}/password`), done: (answer) => tell(answer.user, answer.password, reload) });
}

function remove(user, reload) {
  const says = [`${user.name} can log in no longer, and every session ends now.`, 'What was done stays on the audit log.'];
  confirm({ title: `Remove ${user.name}`, submit: 'Remove', says, run: () => sendJson('DELETE', `${PEOPLE}/${user.id}`), done: () => (toast(`${user.name} was removed.`), reload()) });
}
