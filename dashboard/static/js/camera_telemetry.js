/** The Telemetry tab: small charts over one time axis, gaps shown as gaps. */

import { getJson } from './api.js';
import { chart, chartColours } from './chart.js';
import { el } from './dom.js';
import { emptyState, failure } from './parts.js';
import { readUrl, writeUrl } from './url_state.js';

const RANGES = { '1h': 1, '6h': 6, '48h': 48 };
const REFRESH_MS = 15000;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

const CHARTS = [
  { title: 'CPU', unit: '%', value: (reading) => reading.cpu_pct, most: 100 },
  { title: 'Memory', unit: 'MiB', value: (reading) => scaled(reading.rss_bytes, MIB) },
  { title: 'Frames', unit: 'fps', value: (reading) => reading.fps },
  { title: 'Outbox', unit: 'events', value: (reading) => reading.outbox_depth },
  { title: 'Disk free', unit: 'GiB', value: (reading) => scaled(reading.disk_free_bytes, GIB) },
];

const scaled = (bytes, unit) => (bytes === null || bytes === undefined ? null : bytes / unit);

/** Fill the panel; the returned tab is refreshed while it is shown and must be stopped. */
export function mountTelemetry(panel, { camera }) {
  const tab = new TelemetryTab(panel, camera.device_id);
  tab.load();
  return tab;
}

class TelemetryTab {
  #charts = [];
  #isStopped = false;

  constructor(panel, deviceId) {
    this.deviceId = deviceId;
    this.ranges = el('div', { class: 'chips ranges', role: 'group', 'aria-label': 'Time range' });
    this.grid = el('div', { class: 'charts' }, CHARTS.map(() => el('div', { class: 'skeleton chart-skeleton' })));
    panel.replaceChildren(this.ranges, this.grid);
    this.timer = setInterval(() => document.hidden || this.load(), REFRESH_MS);
    this.theme = new MutationObserver(() => this.#draw());
    this.theme.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    this.#drawRanges();
  }

  get range() {
    const { range } = readUrl(['range']);
    return RANGES[range] ? range : '1h';
  }

  async load() {
    const range = this.range;
    const after = new Date(Date.now() - RANGES[range] * 3600000).toISOString();
    try {
      const { items } = await getJson(`/api/v1/cameras/${encodeURIComponent(this.deviceId)}/telemetry`, { after });
      if (this.#isStopped || range !== this.range) return;
      this.readings = items.filter((reading) => reading.ts >= after);
      this.#draw();
    } catch (error) {
      if (!this.#isStopped && !this.#charts.length) this.grid.replaceChildren(failure(error, () => this.load()));
    }
  }

  stop() {
    this.#isStopped = true;
    clearInterval(this.timer);
    this.theme.disconnect();
    this.#clear();
  }

  #drawRanges() {
    const buttons = Object.keys(RANGES).map((range) => el('button', { type: 'button', class: 'chip', 'aria-pressed': String(range === this.range), on: { click: () => this.#choose(range) } }, range.replace('h', ' h')));
    this.ranges.replaceChildren(...buttons);
  }

  #choose(range) {
    writeUrl({ range }, { push: true });
    this.#drawRanges();
    this.load();
  }

  #clear() {
    this.#charts.forEach((shown) => shown.destroy());
    this.#charts = [];
  }

  #draw() {
    if (!this.readings) return;
    this.#clear();
    if (!this.readings.length) {
      this.grid.replaceChildren(emptyState({ iconName: 'activity', title: 'Nothing was measured in this time', text: 'A camera reports its health every 15 seconds while it is online.' }));
      return;
    }
    const span = [Date.now() / 1000 - RANGES[this.range] * 3600, Date.now() / 1000];
    const boxes = CHARTS.map(() => el('figure', { class: 'chart panel' }));
    this.grid.replaceChildren(...boxes);
    const colours = chartColours();
    this.#charts = CHARTS.map((wanted, place) => chart(boxes[place], { ...wanted, readings: this.readings, span, colours }));
  }
}
