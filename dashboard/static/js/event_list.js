/** A grid of event cards, newest first: pages are loaded by cursor, live ones arrive by themselves and update in place. */

import { getJson } from './api.js';
import { eventCard } from './event_card.js';
import { emptyState, failure } from './parts.js';

const LONGEST = 600;
const SCROLLED_PX = 200;
const startOf = (card) => Date.parse(card.event.happened_at ?? card.event.started_at ?? card.event.ts);

/** `box` holds .held, .cards, .empty-slot and .older; `options` are {query(), accepts(event), siteName(event), empty}. */
export class EventList extends EventTarget {
  #cards = new Map();
  #cursor = null;
  #turn = 0;
  #isPointedAt = false;

  constructor(box, options) {
    super();
    this.options = options;
    this.grid = box.querySelector('.cards');
    this.slot = box.querySelector('.empty-slot');
    this.held = box.querySelector('.held');
    this.older = box.querySelector('.older button');
    this.older.addEventListener('click', () => this.loadOlder());
    this.held.addEventListener('click', () => (this.release(), scrollTo({ top: 0 })));
    this.grid.addEventListener('pointerenter', (event) => (this.#isPointedAt = event.pointerType === 'mouse'));
    this.grid.addEventListener('pointerleave', (event) => this.#left(event));
    this.held.addEventListener('pointerleave', (event) => this.grid.contains(event.relatedTarget) || this.#releaseIfFree());
    this.onScroll = () => this.#releaseIfFree();
    addEventListener('scroll', this.onScroll, { passive: true });
  }

  /** The events on screen, newest first. */
  get events() {
    return [...this.grid.querySelectorAll('event-card:not([hidden])')].map((card) => card.event);
  }

  /** Load the newest page anew. */
  async reload() {
    const turn = ++this.#turn;
    try {
      const { items, cursor } = await getJson('/api/v1/events', this.options.query());
      if (turn !== this.#turn) return;
      this.#cards.clear();
      this.grid.replaceChildren();
      this.#loaded(items, cursor);
    } catch (error) {
      if (turn === this.#turn) this.#failed(error);
    }
  }

  /** Load the page after the last one. */
  async loadOlder() {
    if (this.older.getAttribute('aria-disabled') === 'true') return;
    const turn = this.#turn;
    this.older.setAttribute('aria-disabled', 'true');
    try {
      const { items, cursor } = await getJson('/api/v1/events', { ...this.options.query(), cursor: this.#cursor });
      if (turn !== this.#turn) return;
      this.#loaded(items, cursor);
    } catch (error) {
      this.slot.replaceChildren(failure(error, () => this.loadOlder()));
    } finally {
      this.older.removeAttribute('aria-disabled');
    }
  }

  /** Take events from the feed. */
  apply(events) {
    const isBusy = this.#isPointedAt || this.grid.contains(document.activeElement) || scrollY > SCROLLED_PX;
    for (const event of events) {
      if (this.#cards.has(event.event_id) || this.options.accepts(event)) this.#take(event, { isLive: true, isHidden: isBusy });
    }
    this.#prune();
    this.#settle();
  }

  /** Show what was held back. */
  release() {
    for (const card of this.grid.querySelectorAll('event-card[hidden]')) card.hidden = false;
    this.#settle();
  }

  /** Bring the card of an event into view and focus it. */
  reveal(eventId) {
    const card = this.#cards.get(eventId);
    card?.scrollIntoView({ block: 'center', behavior: 'smooth' });
    card?.focus({ preventScroll: true });
  }

  stop() {
    this.#turn += 1;
    removeEventListener('scroll', this.onScroll);
  }

  #take(event, { isLive = false, isHidden = false } = {}) {
    const known = this.#cards.get(event.event_id);
    if (known) return void known.show(event);
    const card = eventCard(event);
    card.setPlace(this.options.siteName(event));
    card.hidden = isHidden;
    if (isLive) card.classList.add('arrived');
    this.#cards.set(event.event_id, card);
    this.grid.insertBefore(card, this.#placeFor(card));
  }

  /** Live events belong near the top and loaded ones near the end: look from the likelier side. */
  #placeFor(card) {
    const start = startOf(card);
    let next = null;
    for (let other = this.grid.lastElementChild; other && startOf(other) < start; other = other.previousElementSibling) next = other;
    return next;
  }

  #loaded(items, cursor) {
    items.forEach((event) => this.#take(event));
    this.#cursor = cursor;
    this.older.hidden = cursor === null || cursor === undefined;
    this.grid.removeAttribute('aria-busy');
    this.#settle();
  }

  #settle() {
    const waiting = this.grid.querySelectorAll('event-card[hidden]').length;
    this.held.hidden = !waiting;
    this.held.textContent = waiting === 1 ? '1 new event' : `${waiting} new events`;
    this.slot.replaceChildren(...(this.#cards.size ? [] : [emptyState(this.options.empty())]));
    this.dispatchEvent(new Event('change'));
  }

  #failed(error) {
    this.grid.replaceChildren();
    this.grid.removeAttribute('aria-busy');
    this.older.hidden = true;
    this.slot.replaceChildren(failure(error, () => this.reload()));
  }

  /** On the way to the button that shows what was held, nothing may move either. */
  #left(event) {
    this.#isPointedAt = false;
    if (event.relatedTarget !== this.held) this.#releaseIfFree();
  }

  #releaseIfFree() {
    if (!this.#isPointedAt && scrollY <= SCROLLED_PX && !this.grid.contains(document.activeElement)) this.release();
  }

  /** A page left open for days must not grow for ever. */
  #prune() {
    while (this.#cards.size > LONGEST) {
      const last = this.grid.lastElementChild;
      this.#cards.delete(last.event.event_id);
      last.remove();
    }
  }
}
