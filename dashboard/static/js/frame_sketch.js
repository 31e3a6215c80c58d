/** Draw what is known of a frame where no picture may leave the camera: boxes and the path of foot points. */

import { svg } from './dom.js';

const WIDTH = 160;
const HEIGHT = 90;
const USUAL_ASPECT = WIDTH / HEIGHT;

/** Where fractions of a frame of this aspect (width / height) lie in the drawing: as large as fits, in the middle. */
class Canvas {
  constructor(aspect) {
    this.width = Math.min(WIDTH, HEIGHT * aspect);
    this.height = Math.min(HEIGHT, WIDTH / aspect);
    this.left = (WIDTH - this.width) / 2;
    this.top = (HEIGHT - this.height) / 2;
  }

  x(fraction) {
    return (this.left + fraction * this.width).toFixed(2);
  }

  y(fraction) {
    return (this.top + fraction * this.height).toFixed(2);
  }
}

/** Return the sketch of an event; all coordinates are fractions of the frame. */
export function frameSketch(event) {
  const canvas = new Canvas(event.aspect || USUAL_ASPECT);
  const words = `Sketch of the frame: ${event.label || 'nothing'} at ${where(event.box)}`;
  return svg(
    'svg',
    { class: 'sketch', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': words, preserveAspectRatio: 'xMidYMid meet' },
    svg('rect', { class: 'sketch-frame', x: canvas.left, y: canvas.top, width: canvas.width, height: canvas.height }),
    svg('path', { class: 'sketch-grid', d: thirds(canvas) }),
    ...path(canvas, event.path ?? []),
    hasArea(event.best_box) && rectangle(canvas, event.best_box, 'sketch-best', 'Best sighting'),
    hasArea(event.box) && rectangle(canvas, event.box, 'sketch-box', 'Last box'),
  );
}

function thirds(canvas) {
  const [left, right, top, bottom] = [canvas.x(0), canvas.x(1), canvas.y(0), canvas.y(1)];
  const lines = [1 / 3, 2 / 3].map((at) => `M${canvas.x(at)} ${top}V${bottom}M${left} ${canvas.y(at)}H${right}`);
  return lines.join('');
}

function path(canvas, points) {
  if (points.length < 2) return [];
  const [first, last] = [points[0], points.at(-1)];
  return [
    svg('polyline', { class: 'sketch-path', points: points.map(([px, py]) => `${canvas.x(px)},${canvas.y(py)}`).join(' ') }),
    svg('circle', { class: 'sketch-start', cx: canvas.x(first[0]), cy: canvas.y(first[1]), r: 1.6 }),
    svg('circle', { class: 'sketch-end', cx: canvas.x(last[0]), cy: canvas.y(last[1]), r: 2.2 }),
  ];
}

function rectangle(canvas, [left, top, width, height], className, title) {
  return svg('rect', { class: className, x: canvas.x(left), y: canvas.y(top), width: (width * canvas.width).toFixed(2), height: (height * canvas.height).toFixed(2), rx: 1.5 }, svg('title', {}, title));
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
