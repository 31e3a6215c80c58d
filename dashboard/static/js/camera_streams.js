/** The Streams tab: every lens of the camera with its state and the reason for it. */

import { el } from './dom.js';
import { emptyState, stateNote } from './parts.js';

const COLUMNS = ['Stream', 'State', 'Reason', 'Since', 'fps'];

/** Draw the tab. */
export function drawStreams({ camera }) {
  return [el('section', { class: 'panel block' }, el('h2', {}, 'Streams'), drawStreamTable(camera.streams ?? []))];
}

/** The table alone, as the overview shows it too. */
export function drawStreamTable(streams) {
  if (!streams.length) return emptyState({ iconName: 'video', title: 'No streams reported', text: 'A camera names its streams when it comes online. They are set in its agent.toml under [streams.NAME]; this shows what is wrong with them:', command: 'camfleet-agent check --home .' });
  return el(
    'div',
    { class: 'scroll-x' },
    el('table', { class: 'data streams' }, el('thead', {}, el('tr', {}, COLUMNS.map((name) => el('th', { scope: 'col', class: name === 'fps' ? 'number' : null }, name)))), el('tbody', {}, streams.map(row))),
  );
}

function row(stream) {
  const notes = stateNote(stream.reason, stream.since);
  const part = (name) => notes.find((node) => node.classList.contains(name)) ?? el('span', { class: 'faint' }, '–');
  return el(
    'tr',
    { 'data-stream': stream.name, 'data-presence': stream.state },
    el('td', { class: 'mono' }, stream.name),
    el('td', {}, el('status-pill', { state: stream.state })),
    el('td', {}, part('reason'), stream.detail && el('span', { class: 'faint' }, ` ${stream.detail}`)),
    el('td', {}, part('since')),
    el('td', { class: 'number' }, stream.fps?.toFixed(1) ?? '–'),
  );
}
