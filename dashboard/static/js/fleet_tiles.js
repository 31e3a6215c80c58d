/** The counters on top of the Fleet page; each is a button that shows what it counts. */

import { el, icon, setText } from './dom.js';
import { spanWords } from './time.js';

const TILES = [
  { state: 'online', name: 'Online', icon: 'circle-check', tone: 'online', figure: (fleet) => fleet.counts.online, note: (fleet) => `of ${fleet.total.toLocaleString()}` },
  { state: 'degraded', name: 'Degraded', icon: 'triangle-alert', tone: 'degraded', figure: (fleet) => fleet.counts.degraded },
  { state: 'offline', name: 'Offline', icon: 'circle-x', tone: 'offline', figure: (fleet) => fleet.counts.offline, note: (fleet) => (fleet.counts.unknown ? `${fleet.counts.unknown} unknown` : '') },
  { state: 'pending', name: 'Pending', icon: 'hourglass', figure: (fleet) => fleet.counts.pending },
  { state: 'due', name: 'Cert. < 14 d', title: 'Certificate ends within 14 days', icon: 'shield-alert', tone: 'degraded', figure: (fleet) => fleet.due },
  { sort: '-queue', name: 'Outbox lag', icon: 'inbox', tone: 'degraded', limit: 60, title: 'How long the oldest event has waited on a camera', figure: (fleet) => fleet.oldestS, words: spanWords, note: (fleet) => `${fleet.waiting.toLocaleString()} waiting` },
];

/** Draws the tiles once and then only their figures; `onState(state)` and `onSort(sort)` are called on a press. */
export class FleetTiles {
  #tiles;

  constructor(box, { onState, onSort }) {
    this.#tiles = TILES.map((tile) => ({ ...tile, ...drawTile(tile, () => (tile.state ? onState(tile.state) : onSort(tile.sort))) }));
    box.replaceChildren(...this.#tiles.map((tile) => tile.button));
    box.removeAttribute('aria-busy');
  }

  /** Show the counts of `countFleet`. */
  show(fleet) {
    for (const tile of this.#tiles) {
      const figure = tile.figure(fleet);
      setText(tile.number, tile.words ? tile.words(figure) : figure.toLocaleString());
      setText(tile.small, tile.note?.(fleet) ?? '');
      if (tile.tone && figure > (tile.limit ?? 0)) tile.button.dataset.tone = tile.tone;
      else delete tile.button.dataset.tone;
    }
  }

  /** Mark what the list is filtered by. */
  mark(states, sort) {
    for (const tile of this.#tiles) tile.button.setAttribute('aria-pressed', tile.state ? states.includes(tile.state) : sort === tile.sort);
  }
}

function drawTile(tile, onPress) {
  const number = el('span');
  const small = el('small');
  const name = el('span', { class: 'tile-name' }, icon(tile.icon), tile.name);
  const button = el('button', { type: 'button', class: 'tile', title: tile.title, 'aria-pressed': 'false', on: { click: onPress } }, name, el('span', { class: 'tile-figure' }, number, small));
  return { button, number, small };
}
