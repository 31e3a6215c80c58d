/** The Camera page: header with the live state and tabs that are kept in the address. */

import { getJson } from './api.js';
import { mountCertificates } from './camera_certificates.js';
import { mountEvents } from './camera_events.js';
import { drawOverview } from './camera_overview.js';
import { drawStreams } from './camera_streams.js';
import { mountTelemetry } from './camera_telemetry.js';
import { el, icon, oncePerFrame, setText } from './dom.js';
import { feed } from './feed.js';
import { emptyState, failure, stateNote } from './parts.js';
import { Tabs } from './tabs.js';
import { cameraState } from './words.js';

const page = document.querySelector('.camera');
const panel = page.querySelector('#panel');
const address = `/api/v1/cameras/${encodeURIComponent(page.dataset.deviceId)}`;
const view = { camera: null, tab: null, mounted: null };

/** Tabs that are drawn from the camera, and tabs that load and follow by themselves. */
const DRAWN = { overview: drawOverview, streams: drawStreams };
const MOUNTED = { events: mountEvents, telemetry: mountTelemetry, certificates: mountCertificates };
const tabs = new Tabs([...page.querySelectorAll('[role="tab"]')], { clears: ['range'], onChoose: () => view.camera && showTab() });

function showTab() {
  const name = tabs.chosen;
  tabs.mark();
  panel.setAttribute('aria-labelledby', `tab-${name}`);
  panel.removeAttribute('aria-busy');
  view.mounted?.stop();
  view.tab = name;
  view.mounted = MOUNTED[name]?.(panel, view) ?? null;
  if (DRAWN[name]) panel.replaceChildren(...DRAWN[name](view));
}

function drawHead() {
  const { camera } = view;
  const name = camera.name || camera.device_id;
  setText(document.querySelector('#camera-name'), name);
  document.title = `${name} · Camfleet`;
  page.dataset.presence = camera.presence;
  const [reason, since] = ['reason', 'since'].map((part) => stateNote(camera.reason, camera.since).find((node) => node.classList.contains(part)));
  page.querySelector('.camera-head').replaceChildren(
    el('status-pill', { state: cameraState(camera) }),
    ...[reason, since && el('span', { class: 'head-fact' }, 'for ', since)].filter(Boolean),
    fact('map-pin', camera.site_name ?? camera.site_id),
    el('span', { class: 'head-fact' }, icon('activity'), 'seen ', camera.last_seen_at ? el('relative-time', { datetime: camera.last_seen_at }) : 'never'),
    el('copy-code', { text: camera.device_id, what: 'device id' }),
  );
}

function fact(iconName, text) {
  return el('span', { class: 'head-fact', hidden: !text }, icon(iconName), text);
}

const redraw = oncePerFrame(() => {
  drawHead();
  if (DRAWN[view.tab] && !panel.contains(document.activeElement)) panel.replaceChildren(...DRAWN[view.tab](view));
});

async function load() {
  try {
    const camera = await getJson(address);
    view.camera = camera;
    drawHead();
    showTab();
    feed.start(null);
  } catch (error) {
    page.querySelector('.camera-head').replaceChildren();
    page.dataset.known = String(error.status !== 404);
    panel.replaceChildren(error.status === 404 ? unknownCamera() : failure(error, load));
  }
}

function unknownCamera() {
  const action = { name: 'To the fleet', run: () => location.assign('/') };
  return emptyState({ iconName: 'cctv', title: 'There is no such camera', text: `Nothing is known of ${page.dataset.deviceId}. The address may be mistyped, or the camera is at a site that you do not see.`, action });
}

/** Health that only the detail holds (memory, temperature) is asked for again when the camera reported. */
async function refresh() {
  const camera = await getJson(address).catch(() => null);
  if (!camera) return;
  view.camera = camera;
  redraw();
}

function refreshAll() {
  refresh();
  if (view.tab === 'events') view.mounted.reload();
}

function takeChanges({ detail }) {
  const camera = detail.cameras.filter((changed) => changed.device_id === page.dataset.deviceId).at(-1);
  if (camera) {
    view.camera = { ...view.camera, ...camera };
    redraw();
    if (view.tab === 'overview' && !document.hidden) refresh();
  }
  if (view.tab === 'events' && detail.events.length) view.mounted.apply(detail.events);
}

feed.addEventListener('changes', takeChanges);
feed.addEventListener('resync', refreshAll);
feed.addEventListener('fresh', refreshAll);
load();
