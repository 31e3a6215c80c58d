/** The Overview tab: what the camera is, how it feels, and its streams at a glance. */

import { el } from './dom.js';
import { drawStreamTable } from './camera_streams.js';
import { isCertificateDue } from './fleet_facts.js';
import { spanWords } from './time.js';

const NOTHING = '–';
const GIB = 2 ** 30;
const MIB = 2 ** 20;
const known = (value) => value !== null && value !== undefined;
const shown = (value, format) => (known(value) ? format(value) : NOTHING);

/** Draw the tab; `detail` is the camera with `telemetry`, its last reading. */
export function drawOverview({ camera }) {
  return [
    el('div', { class: 'overview' }, section('Facts', facts(camera)), section('Health', health(camera))),
    section('Streams', drawStreamTable(camera.streams ?? [])),
  ];
}

function section(title, ...content) {
  return el('section', { class: 'panel block' }, el('h2', {}, title), ...content);
}

function facts(camera) {
  const time = (value) => (value ? el('relative-time', { datetime: value }) : NOTHING);
  return list([
    ['Site', camera.site_name ?? camera.site_id ?? NOTHING],
    ['Group', camera.group ?? NOTHING],
    ['Time zone', camera.time_zone ?? NOTHING],
    ['Registry', camera.state ?? NOTHING],
    ['Software', camera.software ?? NOTHING],
    ['Certificate ends', certificate(camera)],
    ['Last seen', time(camera.last_seen_at)],
  ]);
}

function certificate(camera) {
  const ends = camera.certificate_not_after;
  if (!ends) return NOTHING;
  const isDue = isCertificateDue(camera, Date.now());
  return el('relative-time', { datetime: ends, class: isDue ? 'warn-text' : null });
}

function list(rows) {
  return el('dl', { class: 'facts' }, rows.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value))));
}

function health(camera) {
  const last = camera.telemetry ?? {};
  const depth = camera.outbox_depth;
  return el(
    'div',
    { class: 'figures' },
    figure('CPU', shown(camera.cpu_pct ?? last.cpu_pct, (value) => Math.round(value)), '%'),
    figure('Memory', shown(last.rss_bytes, (value) => Math.round(value / MIB)), 'MiB'),
    figure('Disk free', shown(camera.disk_free_pct, (value) => Math.round(value)), '%', shown(last.disk_free_bytes, (value) => `${(value / GIB).toFixed(1)} GiB`)),
    figure('Temperature', shown(last.temperature_c, (value) => Math.round(value)), '°C'),
    figure('Outbox', shown(depth, String), depth === 1 ? 'event' : 'events', depth ? `oldest ${spanWords(camera.outbox_oldest_s ?? 0)}` : ''),
    figure('Clock offset', shown(last.clock_offset_s, (value) => withoutSign(value.toFixed(1))), 's'),
  );
}

// A clock that is right is not "-0.0" off.
function withoutSign(text) {
  return Number(text) === 0 ? text.replace('-', '') : text;
}

function figure(name, value, unit, note = '') {
  const hasNote = note && note !== NOTHING;
  return el('div', { class: 'figure' }, el('span', { class: 'faint' }, name), el('span', { class: value === NOTHING ? 'figure-value faint' : 'figure-value' }, `${value} `, value === NOTHING ? null : el('small', {}, unit)), el('span', { class: 'figure-note faint' }, hasNote ? note : ''));
}
