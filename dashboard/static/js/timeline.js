/** `<event-timeline>`: when the shown events happened, newest on top; a press leads to the nearest card. */

import { el, svg } from './dom.js';
import { isLive } from './event_card.js';
import { localDay, localTime } from './time.js';

const STEPS_S = [10, 30, 60, 300, 600, 1800, 3600, 7200, 14400, 43200, 86400, 604800];
const TICK_PX = 56;
const PAD = 14;

class EventTimeline extends HTMLElement {
  events = [];

  connectedCallback() {
    this.drawing = svg('svg', { role: 'img', 'aria-label': 'When the events happened' });
    this.readout = el('div', { class: 'timeline-readout', hidden: true });
    this.replaceChildren(this.drawing, this.readout);
    this.watcher = new ResizeObserver(() => this.draw());
    this.watcher.observe(this);
    this.addEventListener('pointermove', (event) => this.#read(event));
    this.addEventListener('pointerleave', () => (this.readout.hidden = true));
    this.addEventListener('click', (event) => this.#choose(event));
    this.timer = setInterval(() => this.draw(), 5000);
  }

  disconnectedCallback() {
    this.watcher.disconnect();
    clearInterval(this.timer);
  }

  /** Show these events. */
  show(events) {
    this.events = events;
    this.draw();
  }

  draw() {
    const height = this.clientHeight;
    if (!height) return;
    const times = this.events.map((event) => Date.parse(event.started_at ?? event.ts)).filter(Number.isFinite);
    this.newest = Math.max(Date.now(), ...times);
    this.oldest = Math.min(this.newest - 60000, ...times);
    this.scale = (height - 2 * PAD) / (this.newest - this.oldest);
    this.drawing.setAttribute('viewBox', `0 0 ${this.clientWidth} ${height}`);
    this.drawing.replaceChildren(...this.#ticks(), svg('path', { class: 'timeline-axis', d: `M60.5 ${PAD}V${height - PAD}` }), ...this.events.map((event) => this.#mark(event)));
  }

  #y(time) {
    return PAD + (this.newest - time) * this.scale;
  }

  #ticks() {
    const step = 1000 * (STEPS_S.find((seconds) => seconds * 1000 * this.scale >= TICK_PX) ?? STEPS_S.at(-1));
    const shift = new Date(this.newest).getTimezoneOffset() * 60000;
    const ticks = [];
    for (let time = Math.ceil((this.oldest - shift) / step) * step + shift; time <= this.newest && ticks.length < 60; time += step) ticks.push(this.#tick(time, step));
    return ticks;
  }

  #tick(time, step) {
    const date = new Date(time);
    const clock = localTime(date).slice(-8);
    const words = step >= 86400000 ? localDay(date).slice(5) : step >= 60000 ? clock.slice(0, 5) : clock;
    const y = this.#y(time).toFixed(1);
    return svg('g', {}, svg('path', { class: 'timeline-tick', d: `M56 ${y}H65` }), svg('text', { x: 53, y, dy: '0.32em', 'text-anchor': 'end' }, words));
  }

  #mark(event) {
    const start = Date.parse(event.started_at ?? event.ts);
    const end = Date.parse(event.ended_at ?? event.ts) || start;
    const top = this.#y(Math.max(start, end));
    const kind = event.change === 'gap' ? 'gap' : isLive(event) ? 'live' : 'ended';
    return svg('rect', { class: 'timeline-mark', 'data-kind': kind, x: 68, y: top.toFixed(1), width: 18, height: Math.max(2.5, this.#y(start) - top).toFixed(1), rx: 1 });
  }

  #read(event) {
    const y = event.clientY - this.getBoundingClientRect().top;
    const time = this.newest - (y - PAD) / this.scale;
    this.readout.hidden = false;
    this.readout.textContent = localTime(new Date(time));
    this.readout.style.top = `${Math.min(Math.max(y, PAD), this.clientHeight - PAD)}px`;
    return time;
  }

  #choose(event) {
    const time = this.#read(event);
    const distance = (other) => Math.abs(Date.parse(other.started_at ?? other.ts) - time);
    const nearest = this.events.reduce((best, other) => (!best || distance(other) < distance(best) ? other : best), null);
    if (nearest) this.dispatchEvent(new CustomEvent('choose', { detail: nearest.event_id }));
  }
}

customElements.define('event-timeline', EventTimeline);
