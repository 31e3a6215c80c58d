/** The columns of the Fleet table: for each what it depends on and how it is drawn. */

import { el } from './dom.js';
import { certificateDays, totalFps } from './fleet_facts.js';
import { stateNote } from './parts.js';
import { spanWords } from './time.js';
import { cameraState, reasonWords, stateLook } from './words.js';

const NOTHING = '–';
const muted = (text) => el('span', { class: 'faint' }, text);

/** `facts` is what a cell shows: it is drawn again only when one of them changed. */
export const COLUMNS = [
  { key: 'status', name: 'Status', facts: (camera) => [cameraState(camera), camera.reason, camera.since], draw: drawStatus },
  { key: 'name', name: 'Camera', facts: (camera) => [camera.name, camera.device_id], draw: drawName },
  { key: 'site', name: 'Site', facts: (camera) => [camera.site_name ?? camera.site_id], draw: (camera) => [camera.site_name ?? camera.site_id ?? muted(NOTHING)] },
  { key: 'streams', name: 'Streams', facts: (camera) => [camera.streams], draw: drawStreams },
  { key: 'version', name: 'Version', facts: (camera) => [camera.software], draw: (camera) => [camera.software ? version(camera.software) : muted(NOTHING)] },
  { key: 'certificate', name: 'Certificate', facts: (camera, now) => [camera.certificate_not_after, Math.floor(now / 3600000)], draw: drawCertificate },
  { key: 'fps', name: 'fps', number: true, facts: (camera) => [totalFps(camera)?.toFixed(1)], draw: drawFps },
  { key: 'disk', name: 'Disk free', number: true, facts: (camera) => [Math.round(camera.disk_free_pct)], draw: drawDisk },
  { key: 'queue', name: 'Queue', number: true, facts: (camera) => [camera.outbox_depth, Math.round(camera.outbox_oldest_s)], draw: drawQueue },
];

/** What can be ordered by where the table has no headings. */
export const ORDERS = [
  ['', 'Worst first'],
  ['name', 'Name'],
  ['site', 'Site'],
  ['certificate', 'Certificate, soonest first'],
  ['disk', 'Disk, fullest first'],
  ['-queue', 'Queue, longest first'],
];

function drawStatus(camera) {
  const [reason, since] = splitNote(stateNote(camera.reason, camera.since));
  return [el('div', { class: 'status-line' }, el('status-pill', { state: cameraState(camera) }), since), reason];
}

function splitNote(nodes) {
  return ['reason', 'since'].map((name) => nodes.find((node) => node.classList.contains(name)) ?? null);
}

function drawName(camera) {
  const address = `/cameras/${encodeURIComponent(camera.device_id)}`;
  return [
    el('a', { class: 'camera-link', href: address, title: camera.name }, camera.name || camera.device_id),
    el('span', { class: 'mono faint device-id', title: camera.device_id }, camera.device_id),
  ];
}

function drawStreams(camera) {
  const streams = camera.streams ?? [];
  if (!streams.length) return [muted(NOTHING)];
  const online = streams.filter((stream) => stream.state === 'online').length;
  const detail = streams.map((stream) => `${stream.name}: ${stateLook(stream.state).word}${stream.reason ? ` (${reasonWords(stream.reason)})` : ''}`);
  const worry = camera.presence !== 'offline' && online < streams.length;
  return [el('span', { class: worry ? 'warn-text' : null, title: detail.join('\n') }, `${online} of ${streams.length}`)];
}

function drawCertificate(camera, now) {
  const days = certificateDays(camera, now);
  if (days === null) return [muted(NOTHING)];
  if (days < 0) return [el('span', { class: 'bad-text' }, 'expired')];
  return [el('relative-time', { class: days < 14 ? 'warn-text' : null, datetime: camera.certificate_not_after })];
}

function drawFps(camera) {
  const fps = totalFps(camera);
  return [fps === null ? muted(NOTHING) : fps.toFixed(1)];
}

function drawDisk(camera) {
  const free = camera.disk_free_pct;
  if (free === null || free === undefined) return [muted(NOTHING)];
  return [el('span', { class: free < 5 ? 'bad-text' : free < 15 ? 'warn-text' : null }, `${Math.round(free)} %`)];
}

function drawQueue(camera) {
  if (camera.outbox_depth === null || camera.outbox_depth === undefined) return [muted(NOTHING)];
  if (!camera.outbox_depth) return [muted('0')];
  const age = camera.outbox_oldest_s ?? 0;
  return [el('span', { class: age > 60 ? 'warn-text' : null, title: `the oldest has waited ${spanWords(age)}` }, `${camera.outbox_depth} · ${spanWords(age)}`)];
}

/** The column is for the version: our own agent's name would push it out of sight. */
function version(software) {
  return software.replace(/^camfleet-agent /, '');
}
