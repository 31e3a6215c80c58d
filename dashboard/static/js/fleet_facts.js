/** What the Fleet page derives from cameras: search, filter, order, counts. Pure: no page, no clock. */

import { PRESENCES, cameraState, reasonWords, stateLook } from './words.js';

const CERTIFICATE_DUE_DAYS = 14;
const DAY_MS = 86400000;
const haystacks = new WeakMap();

/** Days until the certificate ends, or null. */
export function certificateDays(camera, now) {
  return camera.certificate_not_after ? (Date.parse(camera.certificate_not_after) - now) / DAY_MS : null;
}

/** Whether the certificate is due within two weeks. */
export function isCertificateDue(camera, now) {
  const days = certificateDays(camera, now);
  return days !== null && days < CERTIFICATE_DUE_DAYS;
}

/** Frames per second over all streams that report it, or null. */
export function totalFps(camera) {
  const rates = (camera.streams ?? []).map((stream) => stream.fps).filter((fps) => fps !== null && fps !== undefined);
  return rates.length ? rates.reduce((sum, fps) => sum + fps, 0) : null;
}

/** Whether a camera passes the filter {q: words that all occur, states: any of these, empty for all}. */
export function matches(camera, { q, states }, now) {
  if (states.length && !states.some((state) => (state === 'due' ? isCertificateDue(camera, now) : camera.presence === state))) return false;
  return q.toLowerCase().split(/\s+/).every((word) => haystack(camera).includes(word));
}

function haystack(camera) {
  let text = haystacks.get(camera);
  if (text === undefined) {
    const parts = [camera.name, camera.device_id, camera.site_name, camera.site_id, camera.group, camera.software, stateLook(cameraState(camera)).word, reasonWords(camera.reason)];
    text = parts.filter(Boolean).join('\n').toLowerCase();
    haystacks.set(camera, text);
  }
  return text;
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

/** What each column is ordered by; null sorts last. */
const SORT_VALUES = {
  status: (camera) => stateLook(cameraState(camera)).rank,
  name: (camera) => camera.name,
  site: (camera) => camera.site_name,
  streams: (camera) => camera.streams?.filter((stream) => stream.state === 'online').length ?? null,
  version: (camera) => camera.software,
  certificate: (camera) => camera.certificate_not_after,
  fps: totalFps,
  disk: (camera) => camera.disk_free_pct,
  queue: (camera) => camera.outbox_depth,
};

/** Compare by a column, `-` in front turns it around; names decide between equals. The default is the worst first. */
export function comparator(sort) {
  const turned = sort.startsWith('-') ? -1 : 1;
  const value = SORT_VALUES[sort.replace(/^-/, '')] ?? SORT_VALUES.status;
  return (a, b) => turned * compareValues(value(a), value(b), turned) || collator.compare(a.name ?? '', b.name ?? '');
}

function compareValues(a, b, turned) {
  const none = (value) => value === null || value === undefined || value === '';
  if (none(a) || none(b)) return turned * (none(a) - none(b));
  return typeof a === 'string' ? collator.compare(a, b) : a - b;
}

/** Count what the tiles show. */
export function countFleet(cameras, now) {
  const counts = Object.fromEntries(PRESENCES.map((presence) => [presence, 0]));
  const fleet = { total: 0, due: 0, waiting: 0, oldestS: 0, counts };
  for (const camera of cameras) {
    fleet.total += 1;
    counts[camera.presence] = (counts[camera.presence] ?? 0) + 1;
    if (isCertificateDue(camera, now)) fleet.due += 1;
    fleet.waiting += camera.outbox_depth ?? 0;
    fleet.oldestS = Math.max(fleet.oldestS, camera.outbox_oldest_s ?? 0);
  }
  return fleet;
}
