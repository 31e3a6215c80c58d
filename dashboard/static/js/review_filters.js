/** The filters of the Review page, kept in the address: camera, label, site, after, before. */

import { el } from './dom.js';
import { readUrl, writeUrl } from './url_state.js';

const NAMES = ['camera', 'label', 'site', 'after', 'before'];
const LONGEST_LIST = 50;
const TYPING_MS = 350;

/** Ties the form to the address and calls `onChange` when the person chose something else. */
export class ReviewFilters {
  #form;
  #cameras = [];
  #timer = 0;

  constructor(form, onChange) {
    this.#form = form;
    this.onChange = onChange;
    form.addEventListener('submit', (event) => event.preventDefault());
    form.addEventListener('change', () => this.#write());
    form.addEventListener('input', (event) => this.#typed(event));
    form.addEventListener('reset', () => setTimeout(() => this.#clear()));
    addEventListener('popstate', () => (this.fill(), this.onChange()));
  }

  /** What the address asks for, as the API takes it. */
  get query() {
    return readUrl(NAMES);
  }

  get isActive() {
    return Object.values(this.query).some(Boolean);
  }

  /** Whether a live event belongs on the page. */
  accepts(event) {
    const { camera, label, site, after, before } = this.query;
    const start = event.happened_at ?? event.started_at ?? event.ts;
    if (camera && event.device_id !== camera) return false;
    if (label && event.label !== label) return false;
    if (site && event.site_id !== site) return false;
    return !(after && Date.parse(start) < Date.parse(after)) && !(before && Date.parse(start) >= Date.parse(before));
  }

  /** Put what the address says into the form. */
  fill() {
    const query = this.query;
    for (const name of ['camera', 'label', 'site']) this.#form.elements[name].value = query[name];
    for (const name of ['after', 'before']) this.#form.elements[name].value = toLocal(query[name]);
    this.#form.querySelector('[type="reset"]').hidden = !this.isActive;
  }

  /** Offer the fleet's cameras and sites. */
  offerCameras(cameras) {
    this.#cameras = cameras;
    const sites = new Map(cameras.filter((camera) => camera.site_id).map((camera) => [camera.site_id, camera.site_name ?? camera.site_id]));
    const options = [...sites].sort((a, b) => a[1].localeCompare(b[1])).map(([id, name]) => el('option', { value: id }, name));
    this.#form.elements.site.replaceChildren(el('option', { value: '' }, 'All sites'), ...options);
    this.#offerMatching();
    this.fill();
  }

  /** Offer the labels that were seen. */
  offerLabels(labels) {
    const list = document.querySelector('#label-options');
    const known = new Set([...list.children].map((option) => option.value));
    for (const label of labels) if (label && !known.has(label)) (known.add(label), list.append(el('option', { value: label })));
  }

  #offerMatching() {
    const typed = this.#form.elements.camera.value.toLowerCase();
    const fits = (camera) => !typed || camera.name?.toLowerCase().includes(typed) || camera.device_id.includes(typed);
    const found = this.#cameras.filter(fits).slice(0, LONGEST_LIST);
    document.querySelector('#camera-options').replaceChildren(...found.map((camera) => el('option', { value: camera.device_id, label: camera.name })));
  }

  #typed(event) {
    if (event.target.name === 'camera') this.#offerMatching();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#write(), TYPING_MS);
  }

  #write() {
    clearTimeout(this.#timer);
    const before = location.search;
    const { camera, label, site, after, before: until } = this.#form.elements;
    writeUrl({ camera: this.#deviceId(camera.value), label: label.value.trim(), site: site.value, after: toUtc(after.value), before: toUtc(until.value) }, { push: true });
    this.#form.querySelector('[type="reset"]').hidden = !this.isActive;
    if (location.search !== before) this.onChange();
  }

  /** A camera may be typed by its name. */
  #deviceId(text) {
    const typed = text.trim();
    return this.#cameras.find((camera) => camera.name === typed)?.device_id ?? typed;
  }

  #clear() {
    writeUrl(Object.fromEntries(NAMES.map((name) => [name, ''])), { push: true });
    this.fill();
    this.onChange();
  }
}

function toLocal(iso) {
  const date = new Date(iso);
  if (!iso || Number.isNaN(date.getTime())) return '';
  return new Date(date.getTime() - date.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

function toUtc(local) {
  return local ? new Date(local).toISOString().replace('.000Z', 'Z') : '';
}
