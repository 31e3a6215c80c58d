/** Times for people: relative ones that age by themselves, local on screen, UTC on hover. */

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;
const pad = (number) => String(number).padStart(2, '0');

/** Format an age in seconds as "3 min ago", or "in 3 d" when it lies ahead. */
export function relativeWords(ageSeconds) {
  const size = Math.abs(ageSeconds);
  if (size < 5) return 'just now';
  const words = spanWords(size);
  return ageSeconds >= 0 ? `${words} ago` : `in ${words}`;
}

/** Format a span in seconds by its largest unit. */
export function spanWords(seconds) {
  if (seconds < MINUTE) return `${Math.round(seconds)} s`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min`;
  if (seconds < 2 * DAY) return `${Math.floor(seconds / HOUR)} h`;
  return `${Math.floor(seconds / DAY)} d`;
}

/** Format a duration precisely: 4.2 s, 1:07, 2:03:11. */
export function durationWords(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < MINUTE) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  const clock = `${pad(Math.floor((whole % HOUR) / MINUTE))}:${pad(whole % MINUTE)}`;
  return whole < HOUR ? clock.replace(/^0/, '') : `${Math.floor(whole / HOUR)}:${clock}`;
}

/** Local wall-clock time, with the day when it is not today. */
export function localTime(date) {
  const clock = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
  return date.toDateString() === new Date().toDateString() ? clock : `${localDay(date)} ${clock}`;
}

/** Local day as 2026-11-21. */
export function localDay(date) {
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
}

/** Both readings of a time, for a tooltip. */
export function bothTimes(date) {
  return `${localDay(date)} ${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())} local\n${date.toISOString().replace('T', ' ').slice(0, 19)} UTC`;
}

/** `<relative-time datetime="…" [form="clock|span"]>`: its text ages while it is on the page. */
class RelativeTime extends HTMLElement {
  static observedAttributes = ['datetime'];
  static shown = new Set();

  connectedCallback() {
    RelativeTime.shown.add(this);
    this.render();
  }

  disconnectedCallback() {
    RelativeTime.shown.delete(this);
  }

  attributeChangedCallback() {
    if (this.isConnected) this.render();
  }

  render() {
    const date = new Date(this.getAttribute('datetime') ?? NaN);
    const known = !Number.isNaN(date.getTime());
    const text = known ? this.words(date) : '–';
    if (this.textContent !== text) this.textContent = text;
    if (known) this.title = bothTimes(date);
    else this.removeAttribute('title');
  }

  words(date) {
    const age = (Date.now() - date.getTime()) / 1000;
    if (this.getAttribute('form') === 'span') return spanWords(Math.max(0, age));
    if (this.getAttribute('form') === 'clock') return localTime(date);
    return relativeWords(age);
  }
}

customElements.define('relative-time', RelativeTime);
setInterval(() => RelativeTime.shown.forEach((element) => element.render()), 1000);
