/** Sites: places with cameras, each in its time zone. */

import { dataTable, tabHead } from './admin_table.js';
import { getJson, sendJson } from './api.js';
import { askInDialog, field, textInput } from './dialog.js';
import { el } from './dom.js';
import { emptyState } from './parts.js';
import { toast } from './toast.js';

const SITES = '/api/v1/registry/sites';

/** Draw the tab. */
export async function mountSites(reload) {
  const { items } = await getJson(SITES);
  const head = tabHead('A camera belongs to one site or none; people can be limited to sites.', { name: 'Add a site', icon: 'building-2', run: () => add(reload) });
  if (!items.length) return [head, emptyState({ iconName: 'building-2', title: 'No sites yet', text: 'Add one above. Cameras without a site are seen by whoever is for every site.' })];
  const rows = items.map((site) => [el('strong', {}, site.name), el('code', {}, site.id), site.time_zone, el('a', { href: `/?q=${encodeURIComponent(site.name)}` }, 'Its cameras')]);
  return [head, dataTable(['Name', 'Id', 'Time zone', ''], rows, 'Sites')];
}

function add(reload) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  askInDialog({
    title: 'Add a site',
    submit: 'Add',
    content: el(
      'div',
      { class: 'fields' },
      field('Name', textInput('name', { required: true, maxlength: 120, placeholder: 'North yard', autofocus: true })),
      field('Id', textInput('id', { required: true, pattern: '[a-z0-9][a-z0-9\\-]{0,39}', placeholder: 'north-yard' }), 'Never changes. a-z, 0-9 and -'),
      field('Time zone', textInput('time_zone', { required: true, maxlength: 64, value: zone }), 'An IANA name, such as Europe/Vienna.'),
    ),
    run: (fields) => sendJson('POST', SITES, { id: fields.id.value.trim(), name: fields.name.value.trim(), time_zone: fields.time_zone.value.trim() }),
    done: (site) => (toast(`The site ${site.name} was added.`), reload()),
  });
}
