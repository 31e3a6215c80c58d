/** Draw what is known of a frame where no picture may leave the camera: boxes and the path of foot points. */

import { svg } from './dom.js';

const WIDTH = 160;
const HEIGHT = 90;
const x = (fraction) => (fraction * WIDTH).toFixed(2);
const y = (fraction) => (fraction * HEIGHT).toFixed(2);

/** Return the sketch of an event; all coordinates are fractions of the frame. */
export function frameSketch(event) {
  const words = `Sketch of the frame: ${event.label || 'nothing'} at ${where(event.box)}`;
  return svg(
    'svg',
    { class: 'sketch', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': words, preserveAspectRatio: 'xMidYMid meet' },
    svg('path', { class: 'sketch-grid', d: `M${WIDTH / 3} 0V${HEIGHT}M${(WIDTH * 2) / 3} 0V${HEIGHT}M0 ${HEIGHT / 3}H${WIDTH}M0 ${(HEIGHT * 2) / 3}H${WIDTH}` }),
    ...path(event.path ?? []),
    hasArea(event.best_box) && rectangle(event.best_box, 'sketch-best', 'Best sighting'),
    hasArea(event.box) && rectangle(event.box, 'sketch-box', 'Last box'),
  );
}

function path(points) {
  if (points.length < 2) return [];
  const [first, last] = [points[0], points.at(-1)];
  return [
    svg('polyline', { class: 'sketch-path', points: points.map(([px, py]) => `${x(px)},${y(py)}`).join(' ') }),
    svg('circle', { class: 'sketch-start', cx: x(first[0]), cy: y(first[1]), r: 1.6 }),
    svg('circle', { class: 'sketch-end', cx: x(last[0]), cy: y(last[1]), r: 2.2 }),
  ];
}

function rectangle([left, top, width, height], className, title) {
  return svg('rect', { class: className, x: x(left), y: y(top), width: x(width), height: y(height), rx: 1.5 }, svg('title', {}, title));
}

function hasArea(box) {
  return Array.isArray(box) && box[2] > 0 && box[3] > 0;
}

function where(box) {
  if (!hasArea(box)) return 'an unknown place';
  const third = (value, names) => names[Math.min(2, Math.max(0, Math.floor(value * 3)))];
  const row = third(box[1] + box[3] / 2, ['top', 'middle', 'bottom']);
  const column = third(box[0] + box[2] / 2, ['left', 'centre', 'right']);
  return `${row} ${column}`;
}
