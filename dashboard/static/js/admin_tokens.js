/** API tokens: for scripts, each with its scopes; made once, shown once, revoked at any time. */

import { confirm, dataTable, rowButton, tabHead } from './admin_table.js';
import { getJson, sendJson } from './api.js';
import { askInDialog, choice, field, textInput, tickedIn, ticks } from './dialog.js';
import { el } from './dom.js';
import { emptyState } from './parts.js';
import { siteChoices } from './provision.js';
import { showSecret } from './secret_note.js';
import { toast } from './toast.js';

const TOKENS = '/api/v1/registry/tokens';
const SCOPES = [
  ['devices:read', 'devices:read \u2013 list and show cameras, certificates'],
  ['devices:provision', 'devices:provision \u2013 register, accept, reject'],
  ['devices:write', 'devices:write \u2013 also revoke, decommission, re-enrol'],
  ['sites:read', 'sites:read \u2013 list sites'],
  ['sites:write', 'sites:write \u2013 add sites'],
  ['ca:read', 'ca:read \u2013 authorities and revocation lists'],
  ['audit:read', 'audit:read \u2013 the audit log'],
  ['tokens:write', 'tokens:write \u2013 make and revoke tokens'],
];
const LIVES = [
  ['90', '90 days'],
  ['30', '30 days'],
  ['365', 'one year'],
  ['', 'until it is revoked'],
];

/** Draw the tab. */
export async function mountTokens(reload) {
  const [{ items }, sites] = await Promise.all([getJson(TOKENS), siteChoices()]);
  const now = Date.now();
  const inForce = items.filter((token) => !token.revoked_at && !(token.expires_at && Date.parse(token.expires_at) <= now));
  const head = tabHead('For scripts that speak the REST API. A token can do what its scopes say, and nothing else.', { name: 'Make a token', icon: 'key-round', run: () => make(sites, reload) });
  if (!inForce.length) return [head, emptyState({ iconName: 'key-round', title: 'No API tokens', text: 'With one, a script lists cameras like this:', command: 'curl -H "Authorization: Bearer TOKEN" HOST/config/devices' })];
  return [head, dataTable(['Label', 'Scopes', 'Sites', 'Made', 'Ends', ''], inForce.map((token) => row(token, reload)), 'API tokens')];
}

function row(token, reload) {
  return [
    el('strong', {}, token.label),
    token.scopes.map((scope) => el('code', { class: 'scope' }, scope)),
    token.sites ? token.sites.join(', ') : 'every site',
    el('relative-time', { datetime: token.created_at }),
    token.expires_at ? el('relative-time', { datetime: token.expires_at }) : 'never',
    el('span', { class: 'row-actions' }, rowButton('Revoke', () => revoke(token, reload), token.label)),
  ];
}

function make(sites, reload) {
  askInDialog({
    title: 'Make an API token',
    submit: 'Make token',
    content: el(
      'div',
      { class: 'fields' },
      field('Label', textInput('label', { required: true, maxlength: 120, placeholder: 'grafana', autofocus: true }), 'What it is for.'),
      ticks('Scopes', 'scope', SCOPES, ['devices:read']),
      field('Ends', choice('days', LIVES, '90')),
      sites.length ? ticks('Only these sites (none ticked: every site)', 'site', sites) : null,
    ),
    run: (fields) => sendJson('POST', TOKENS, wanted(fields)),
    done: (made) => showSecret({ title: `Token ${made.label}`, text: 'The script sends it as Authorization: Bearer \u2026', secret: made.token, what: 'token' }, reload),
  });
}

function wanted(fields) {
  const scopes = tickedIn(fields, 'scope');
  if (!scopes.length) throw new Error('Tick at least one scope: a token without any can do nothing.');
  const sites = fields.site ? tickedIn(fields, 'site') : [];
  return { label: fields.label.value.trim(), scopes, ...(sites.length && { sites }), ...(fields.days.value && { days: Number(fields.days.value) }) };
}

function revoke(token, reload) {
  const says = ['Whoever holds this token is refused from now on.', 'It cannot be brought back; a new one can be made.'];
  confirm({ title: `Revoke ${token.label}`, submit: 'Revoke', says, run: () => sendJson('DELETE', `${TOKENS}/${encodeURIComponent(token.id)}`), done: () => (toast(`The token ${token.label} was revoked.`), reload()) });
}
