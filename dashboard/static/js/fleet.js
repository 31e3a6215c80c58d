/** The Fleet page: load the cameras, follow the feed, keep search, states and order in the address. */

import { getJson } from './api.js';
import { el, icon, oncePerFrame, setText } from './dom.js';
import { feed } from './feed.js';
import { comparator, countFleet, matches } from './fleet_facts.js';
import { ORDERS } from './fleet_columns.js';
import { FleetTable } from './fleet_table.js';
import { FleetTiles } from './fleet_tiles.js';
import { emptyState, failure } from './parts.js';
import { openProvision } from './provision.js';
import { may } from './roles.js';
import { followSightings } from './sightings.js';
import { onUrlChange, readUrl, writeUrl } from './url_state.js';
import { PRESENCES, stateLook } from './words.js';

const cameras = new Map();
const view = { order: [], loaded: false };
const list = document.querySelector('.fleet-list');
const slot = list.querySelector('.empty-slot');
const form = document.querySelector('.filterbar');
const search = form.elements.q;
const table = new FleetTable(list.querySelector('table'), (key) => setSort(turnSort(key)));
const tiles = new FleetTiles(document.querySelector('.tiles'), { onState: toggleState, onSort: (sort) => setSort(readFilter().sort === sort ? '' : sort) });
const chips = PRESENCES.map(drawChip);
form.querySelector('.chips').replaceChildren(...chips);
const order = form.elements.sort;
order.replaceChildren(...ORDERS.map(([value, name]) => el('option', { value }, name)));

function readFilter() {
  const { q, state, sort } = readUrl(['q', 'state', 'sort']);
  return { q: q.trim(), states: state.split(',').filter(Boolean), sort };
}

function drawChip(state) {
  const look = stateLook(state);
  return el('button', { type: 'button', class: 'chip', 'data-state': state, on: { click: () => toggleState(state) } }, icon(look.icon), look.word);
}

function toggleState(state) {
  const { states } = readFilter();
  const next = states.includes(state) ? states.filter((other) => other !== state) : [...states, state];
  writeUrl({ state: next.join(',') }, { push: true });
  renderAll();
}

function turnSort(key) {
  const { sort } = readFilter();
  if (sort === key) return `-${key}`;
  return sort === `-${key}` ? '' : key;
}

function setSort(sort) {
  writeUrl({ sort }, { push: true });
  renderAll();
}

/** The person changed what is shown: order anew, even under the pointer. */
function renderAll() {
  const filter = readFilter();
  if (document.activeElement !== search) search.value = filter.q;
  chips.forEach((chip) => chip.setAttribute('aria-pressed', filter.states.includes(chip.dataset.state)));
  tiles.mark(filter.states, filter.sort);
  table.markSort(filter.sort);
  order.value = filter.sort;
  view.order = [];
  render();
}

/** Show the present state; rows under the pointer keep their places until it leaves. */
function render() {
  if (!view.loaded) return;
  const now = Date.now();
  const present = [...cameras.values()].filter((camera) => camera.state !== 'decommissioned');
  const fleet = countFleet(present, now);
  tiles.show(fleet);
  const filter = readFilter();
  const wanted = present.filter((camera) => matches(camera, filter, now)).sort(comparator(filter.sort));
  const shown = view.order.length && table.isPointedAt ? inPlace(wanted) : wanted;
  view.order = shown.map((camera) => camera.device_id);
  table.show(shown);
  setText(form.querySelector('.result-count'), wanted.length === fleet.total ? `${fleet.total.toLocaleString()} cameras` : `${wanted.length.toLocaleString()} of ${fleet.total.toLocaleString()} cameras`);
  showEmpty(fleet.total, wanted.length);
}

function inPlace(wanted) {
  const seen = new Set(view.order);
  return [...view.order.map((id) => cameras.get(id)).filter(Boolean), ...wanted.filter((camera) => !seen.has(camera.device_id))];
}

function showEmpty(total, shown) {
  list.dataset.empty = String(!shown);
  const kind = shown ? '' : total ? 'filtered' : 'none';
  if (slot.dataset.kind === kind) return;
  slot.dataset.kind = kind;
  if (kind === 'none') slot.replaceChildren(NO_CAMERAS());
  else if (kind === 'filtered') slot.replaceChildren(NO_MATCH());
  else slot.replaceChildren();
}

const NO_CAMERAS = () =>
  emptyState({
    iconName: 'cctv',
    title: 'No cameras yet',
    text: 'Provision the first one. It makes a token for the installer; the camera appears here at once and turns online when it has enrolled. On the server this does the same:',
    command: 'camfleet provision "Gate north"',
    action: may('operator') ? { name: 'Provision a camera', run: () => openProvision() } : null,
  });

const NO_MATCH = () =>
  emptyState({ iconName: 'filter-x', title: 'No camera matches', text: 'Other words or fewer states may show more.', action: { name: 'Clear the filter', run: clearFilter } });

function clearFilter() {
  search.value = '';
  writeUrl({ q: '', state: '' }, { push: true });
  renderAll();
}

function take(camera) {
  const known = cameras.get(camera.device_id);
  if (!known || (camera.change_seq ?? 0) >= (known.change_seq ?? 0)) cameras.set(camera.device_id, camera);
}

async function load() {
  try {
    const { items, cursor } = await getJson('/api/v1/cameras');
    cameras.clear();
    items.forEach(take);
    view.loaded = true;
    renderAll();
    feed.start(cursor);
  } catch (error) {
    list.dataset.empty = 'true';
    slot.dataset.kind = 'failed';
    slot.replaceChildren(failure(error, load));
  }
}

const renderSoon = oncePerFrame(render);
feed.addEventListener('changes', ({ detail }) => {
  detail.cameras.forEach(take);
  if (detail.cameras.length) renderSoon();
});
feed.addEventListener('resync', load);
list.querySelector('tbody').addEventListener('pointerleave', renderSoon);
search.addEventListener('input', () => (writeUrl({ q: search.value.trim() }), renderAll()));
order.addEventListener('change', () => setSort(order.value));
form.addEventListener('submit', (event) => event.preventDefault());
onUrlChange(renderAll);
if (may('operator')) {
  form.querySelector('[data-do="provision"]').addEventListener('click', () => openProvision());
  followSightings(document.querySelector('.waiting'));
}
setInterval(renderSoon, 60000);
load();
