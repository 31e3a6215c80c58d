/** Follow how a camera is cut off: the steps with their times, as they happen. */

import { getJson } from './api.js';
import { showDialog } from './dialog.js';
import { el, icon } from './dom.js';

const POLL_MS = 300;
const LONG_MS = 30000;
const STEPS = [
  ['recorded', 'Recorded: every certificate is revoked in the registry'],
  ['denied', 'The broker\u2019s rules deny it everything'],
  ['crl', 'The revocation list names its certificates'],
  ['reloaded', 'The broker has loaded both'],
  ['kicked', 'Its connection is closed'],
  ['proven', 'Proven: it cannot come back'],
];
const NAMES = STEPS.map(([name]) => name);

/** Seconds from the request to each step that was taken; `detail` holds the server's times of the steps as JSON. */
export function stepTimes(cutoff) {
  const began = Date.parse(cutoff.requested_at);
  const times = Object.entries(cutoff.detail ? JSON.parse(cutoff.detail) : {});
  return { recorded: 0, ...Object.fromEntries(times.map(([step, at]) => [step, Math.max(0, (Date.parse(at) - began) / 1000)])) };
}

/** Whether nothing more will happen. */
export function isOver(cutoff) {
  return Boolean(cutoff.finished_at) || cutoff.step === 'failed';
}

/** The steps as a list; the one that is being taken is marked. */
export function stepList(cutoff) {
  const times = stepTimes(cutoff);
  const reached = cutoff.step === 'failed' ? NAMES.findLastIndex((name) => name in times) : NAMES.indexOf(cutoff.step);
  const rows = STEPS.map(([name, words], place) => {
    const state = place <= reached ? 'done' : cutoff.step === 'failed' ? 'failed' : place === reached + 1 ? 'now' : 'ahead';
    const time = state === 'done' && name in times ? `${times[name].toFixed(1)} s` : '';
    return el('li', { 'data-step': name, 'data-state': state }, icon(LOOKS[state]), el('span', {}, words), el('span', { class: 'step-time' }, time));
  });
  return el('ol', { class: 'steps' }, rows);
}

const LOOKS = { done: 'circle-check', now: 'timer', ahead: 'circle-dashed', failed: 'circle-x' };

/** How it ended, or that it goes on, in a sentence. */
export function verdict(cutoff, waitedMs = 0) {
  if (cutoff.step === 'failed') return `It did not come to its end: ${cutoff.detail || 'the courier\u2019s log says why'}. The courier tries again; the registry refuses the camera already.`;
  if (isOver(cutoff)) return `Cut off in ${Math.max(0, stepTimes(cutoff, {})[cutoff.step]).toFixed(1)} s.`;
  if (waitedMs > LONG_MS) return 'This takes long. It goes on by itself; `./managed_start.sh status` on the server tells whether the courier runs.';
  return 'This goes on by itself, also when you leave.';
}

/** Show the steps in a dialog until they are over or the person leaves. */
export function showCutoff(deviceId, name, onClose) {
  const began = performance.now();
  const list = el('div', { 'aria-live': 'polite' }, stepList({ step: 'recorded' }));
  const words = el('p', { class: 'faint', role: 'status' }, verdict({ step: 'recorded' }));
  let isOpen = true;
  const dialog = showDialog({ title: `Cutting off ${name}`, content: el('div', { class: 'cutoff' }, list, words), onClose: () => ((isOpen = false), onClose()) });

  async function look() {
    const cutoff = await getJson(`/api/v1/registry/devices/${encodeURIComponent(deviceId)}/cutoff`).catch(() => null);
    if (!isOpen) return;
    const waited = performance.now() - began;
    if (cutoff) {
      list.replaceChildren(stepList(cutoff));
      words.textContent = verdict(cutoff, waited);
      if (isOver(cutoff)) return;
    }
    setTimeout(look, POLL_MS);
  }
  look();
  return dialog;
}
