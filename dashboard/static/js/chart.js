/** One small line chart over time, drawn by uPlot in the colours of the tokens. */

import { el } from './dom.js';

const HEIGHT = 132;
const GAP_FACTOR = 3;

/** Read the colours now in force. */
export function chartColours() {
  const style = getComputedStyle(document.documentElement);
  const token = (name) => style.getPropertyValue(name).trim();
  return { line: token('--accent'), grid: token('--n-4'), text: token('--n-7'), font: `11px ${token('--sans')}` };
}

/** Draw into `box`; `span` is [from, to] in seconds since the epoch. Returns what `destroy()` takes away. */
export function chart(box, { title, unit, value, most, readings, span, colours }) {
  const readout = el('output', { class: 'chart-readout' });
  const place = el('div');
  box.replaceChildren(el('figcaption', {}, el('strong', {}, title), el('span', { class: 'faint' }, unit), readout), place);
  const data = withGaps(readings, value);
  const options = {
    width: Math.max(120, place.clientWidth),
    height: HEIGHT,
    legend: { show: false },
    padding: [8, 12, 0, 0],
    cursor: { sync: { key: 'telemetry' }, y: false, drag: { x: false, y: false }, points: { size: 6 } },
    scales: { x: { range: () => span }, y: { range: (_plot, low, high) => limits(low, high, most) } },
    axes: [axis(colours, { size: 26, space: 64, values: clockLabels }), axis(colours, { size: 46, space: 28 })],
    series: [{}, { stroke: colours.line, width: 1.5, points: { show: false }, spanGaps: false }],
    hooks: { setCursor: [(plot) => read(plot, readout, unit)] },
  };
  const plot = new window.uPlot(options, data, place);
  read(plot, readout, unit);
  const watcher = new ResizeObserver(() => plot.setSize({ width: Math.max(120, place.clientWidth), height: HEIGHT }));
  watcher.observe(box);
  return { destroy: () => (watcher.disconnect(), plot.destroy()) };
}

function axis(colours, more) {
  return { stroke: colours.text, font: colours.font, grid: { stroke: colours.grid, width: 1 }, ticks: { show: false }, ...more };
}

function limits(low, high, most) {
  if (low === null || low === undefined) return [0, most ?? 1];
  return [0, most ?? (high > 0 ? high * 1.15 : 1)];
}

/** Where readings are missing a null is put, so that the line breaks there. */
function withGaps(readings, value) {
  const times = readings.map((reading) => Date.parse(reading.ts) / 1000);
  const steps = times.slice(1).map((time, place) => time - times[place]).sort((a, b) => a - b);
  const longest = GAP_FACTOR * (steps[Math.floor(steps.length / 2)] ?? Infinity);
  const [xs, ys] = [[], []];
  readings.forEach((reading, place) => {
    if (place && times[place] - times[place - 1] > longest) (xs.push(times[place - 1] + 0.001), ys.push(null));
    xs.push(times[place]);
    ys.push(value(reading) ?? null);
  });
  return [xs, ys];
}

function clockLabels(_plot, splits) {
  return splits.map((seconds) => new Date(seconds * 1000).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' }));
}

/** Show the value under the pointer, or the last one. */
function read(plot, readout, unit) {
  const [times, values] = plot.data;
  const place = plot.cursor.idx ?? values.findLastIndex((value) => value !== null);
  const value = values[place];
  const digits = value >= 100 || Number.isInteger(value) ? 0 : 1;
  const clock = place >= 0 ? new Date(times[place] * 1000).toLocaleTimeString('en-GB') : '';
  readout.textContent = value === null || value === undefined ? '–' : `${value.toFixed(digits)} ${unit} · ${clock}`;
}
