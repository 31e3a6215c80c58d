/** `<event-card>`: the life of one tracked thing, updated in place as its revisions arrive. */

import { el, icon, setText } from './dom.js';
import { frameSketch } from './frame_sketch.js';
import { durationWords } from './time.js';

const STALE_MS = 120000;

/** Whether the thing is still being followed; one that went quiet without an end is not. */
export function isLive(event) {
  return event.change !== 'gap' && !isOver(event) && Date.now() - Date.parse(event.received_at ?? event.ts) < STALE_MS;
}

function isOver(event) {
  return Boolean(event.ended_at) || event.change === 'end';
}

class EventCard extends HTMLElement {
  static open = new Set();

  disconnectedCallback() {
    EventCard.open.delete(this);
  }

  connectedCallback() {
    if (isLive(this.event)) EventCard.open.add(this);
  }

  /** Show this revision; an older one than shown is ignored. Returns whether anything changed. */
  show(event) {
    if (this.event && event.rev <= this.event.rev) return false;
    const isUpdate = Boolean(this.event);
    this.event = event;
    if (!isUpdate) this.#build();
    if (event.change === 'gap') this.#drawGap();
    else this.#draw();
    this.#mark();
    if (isUpdate) this.#flash();
    return true;
  }

  /** The place and site of the camera as the page knows them now. */
  setPlace(siteName) {
    setText(this.site, siteName ?? '');
  }

  #build() {
    this.picture = el('div', { class: 'card-picture' });
    this.state = el('span', { class: 'card-state' });
    this.what = el('strong', { class: 'card-label' });
    this.score = el('span', { class: 'card-score faint' });
    this.age = el('relative-time', { class: 'faint' });
    this.camera = el('a', { class: 'card-camera' });
    this.site = el('span', { class: 'card-site faint' });
    this.clock = el('relative-time', { form: 'clock' });
    this.span = el('span', { class: 'card-span' });
    this.extra = el('span', { class: 'card-extra' });
    this.classList.add('card');
    this.tabIndex = 0;
    this.setAttribute('data-walk', '');
    this.setAttribute('role', 'article');
    this.append(
      this.picture,
      el('div', { class: 'card-text' }, el('div', { class: 'card-line' }, this.what, this.score, this.age), el('div', { class: 'card-line' }, this.camera, this.site), el('div', { class: 'card-line card-times faint' }, this.clock, this.span, this.extra)),
    );
    this.addEventListener('keydown', (key) => key.key === 'Enter' && key.target === this && this.camera.click());
  }

  /** The attributes that tests, measurements and the timeline read. */
  #mark() {
    const { event } = this;
    this.dataset.eventId = event.event_id;
    this.dataset.rev = event.rev;
    this.dataset.change = event.change;
    this.dataset.deviceId = event.device_id;
    this.dataset.frameTs = event.frame_ts ?? event.ts;
    this.dataset.label = event.label ?? '';
    this.setAttribute('aria-label', `${event.change === 'gap' ? 'Gap' : event.label}, ${event.camera_name ?? event.device_id}`);
  }

  #draw() {
    const { event } = this;
    this.picture.replaceChildren(frameSketch(event), this.state);
    setText(this.what, event.label);
    setText(this.score, `${Math.round((event.best_score ?? event.score) * 100)} %`);
    this.score.title = 'How sure the model was, at the best sighting';
    this.#drawTimes();
    this.drawState();
    this.extra.replaceChildren(...(event.zones ?? []).map((zone) => el('span', { class: 'tag' }, zone)), ...this.#warnings());
  }

  #drawTimes() {
    const { event } = this;
    setText(this.camera, event.camera_name || event.device_id);
    this.camera.href = `/cameras/${encodeURIComponent(event.device_id)}`;
    this.camera.title = event.stream ? `${event.device_id} · stream ${event.stream}` : event.device_id;
    this.age.setAttribute('datetime', event.started_at ?? event.ts);
    this.clock.setAttribute('datetime', event.started_at ?? event.ts);
  }

  /** What is live now may have gone quiet when this is called again. */
  drawState() {
    const { event } = this;
    const live = isLive(event);
    this.state.dataset.state = live ? 'live' : 'ended';
    setText(this.state, live ? 'live' : isOver(event) ? 'ended' : 'no end seen');
    const seconds = (Date.parse(event.ended_at ?? event.ts) - Date.parse(event.started_at)) / 1000;
    setText(this.span, seconds >= 0.1 ? durationWords(seconds) : '');
    this.span.title = 'How long it was seen';
  }

  #warnings() {
    if (!this.event.clock_suspect) return [];
    return [el('span', { class: 'warn-text card-warning', title: 'The camera’s clock and the server’s disagree by more than 5 minutes' }, icon('clock'), 'clock')];
  }

  #drawGap() {
    const { event } = this;
    const lost = event.lost ? `${event.lost.toLocaleString()} ${event.lost === 1 ? 'event' : 'events'} lost` : 'Events lost';
    const why = event.lost ? 'The outbox on the camera was full: what happened here was not kept.' : 'The outbox on the camera was damaged: some of what happened before may be missing.';
    this.picture.replaceChildren(el('div', { class: 'card-gap' }, icon('triangle-alert'), el('p', {}, why)));
    setText(this.what, lost);
    this.#drawTimes();
  }

  #flash() {
    this.classList.remove('changed');
    void this.offsetWidth;
    this.classList.add('changed');
  }
}

customElements.define('event-card', EventCard);
setInterval(() => EventCard.open.forEach((card) => card.drawState()), 15000);

/** Make a card for an event. */
export function eventCard(event) {
  const card = document.createElement('event-card');
  card.show(event);
  return card;
}
