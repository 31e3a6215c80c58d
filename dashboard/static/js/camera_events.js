/** The Events tab: the latest events of this camera, live. */

import { el } from './dom.js';
import { EventList } from './event_list.js';

/** Fill the panel and return the list, which takes events from the feed. */
export function mountEvents(panel, { camera }) {
  const review = `/review?camera=${encodeURIComponent(camera.device_id)}`;
  panel.replaceChildren(
    el('p', { class: 'panel-note faint' }, 'Newest first. ', el('a', { href: review }, 'Filter them in Review')),
    el('button', { type: 'button', class: 'held', hidden: true }),
    el('div', { class: 'cards', 'aria-busy': 'true' }, Array.from({ length: 4 }, () => el('span', { class: 'card skeleton' }))),
    el('div', { class: 'empty-slot' }),
    el('p', { class: 'older' }, el('button', { type: 'button', class: 'button', hidden: true }, 'Load older')),
  );
  const list = new EventList(panel, {
    query: () => ({ camera: camera.device_id }),
    accepts: (event) => event.device_id === camera.device_id,
    siteName: () => camera.site_name,
    empty: () => ({ iconName: 'scan-eye', title: 'No events from this camera yet', text: 'They appear here by themselves as soon as it sees something. On the camera, this runs its pipeline over a recording:', command: 'camfleet-agent replay SOURCE --events events.jsonl' }),
  });
  list.reload();
  return list;
}
