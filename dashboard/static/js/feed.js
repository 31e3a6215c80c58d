/**
 * The live feed: one EventSource per page that resumes where it stopped and says whether it is live.
 * Dispatches on itself: `changes` ({cameras, events}), `resync` (fell too far behind: load the lists again), `fresh` (follows
 * from now on, not from a cursor: load what is shown once more) and `state`.
 */

import { getJson } from './api.js';

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15000;
const SUSPECT_MS = 4000;

class Feed extends EventTarget {
  state = 'connecting';
  #cursor = null;
  #source = null;
  #retryMs = FIRST_RETRY_MS;
  #retryTimer = 0;

  /** Follow the store from `cursor` (a change_seq) on, or from now; a second call is ignored. */
  start(cursor) {
    if (this.#source || this.#retryTimer) return;
    this.#cursor = cursor ?? null;
    this.#connect();
    addEventListener('online', () => this.#reconnectNow());
    addEventListener('offline', () => this.#lost(this.#source));
    addEventListener('pagehide', () => this.#source?.close());
    addEventListener('pageshow', (event) => event.persisted && this.#lost(this.#source));
  }

  #connect() {
    this.#retryTimer = 0;
    const source = new EventSource(this.#cursor === null ? '/feed' : `/feed?since=${this.#cursor}`);
    this.#source = source;
    source.addEventListener('open', () => this.#opened());
    source.addEventListener('error', () => this.#lost(source));
    source.addEventListener('changes', (message) => this.#changed(message));
    source.addEventListener('summary', (message) => this.#summarised(message));
  }

  #opened() {
    this.#retryMs = FIRST_RETRY_MS;
    this.#become('live');
    if (this.#cursor === null) this.dispatchEvent(new Event('fresh'));
  }

  #changed(message) {
    if (message.lastEventId) this.#cursor = message.lastEventId;
    const { cameras = [], events = [] } = JSON.parse(message.data);
    this.dispatchEvent(new CustomEvent('changes', { detail: { cameras, events } }));
  }

  #summarised(message) {
    const summary = JSON.parse(message.data);
    this.#cursor = summary.cursor ?? this.#cursor;
    this.dispatchEvent(new CustomEvent('resync', { detail: summary }));
  }

  /** The waits are our own, because a browser gives up for good on an answer that is not a stream (502, 401). */
  #lost(source) {
    if (!source || source !== this.#source) return;
    source.close();
    this.#source = null;
    this.#become('reconnecting');
    this.#retryTimer = setTimeout(() => this.#connect(), this.#retryMs * (0.5 + Math.random() / 2));
    this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
    if (this.#retryMs >= SUSPECT_MS) leaveIfLoggedOut();
  }

  #reconnectNow() {
    if (!this.#retryTimer) return;
    clearTimeout(this.#retryTimer);
    this.#retryMs = FIRST_RETRY_MS;
    this.#connect();
  }

  #become(state) {
    if (this.state === state) return;
    this.state = state;
    this.dispatchEvent(new CustomEvent('state', { detail: state }));
  }
}

/** An EventSource hides why it was refused; a plain request tells, and leads to the login page by itself. */
function leaveIfLoggedOut() {
  getJson('/api/v1/events', { limit: 1 }).catch(() => {});
}

export const feed = new Feed();
