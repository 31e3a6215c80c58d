/** The Review page: event cards beside a timeline, filtered by the address, live by the feed. */

import { getJson } from './api.js';
import { oncePerFrame, setText } from './dom.js';
import { EventList } from './event_list.js';
import { feed } from './feed.js';
import { toast } from './toast.js';
import { ReviewFilters } from './review_filters.js';
import './timeline.js';

const cameras = new Map();
const form = document.querySelector('.review-filters');
const timeline = document.querySelector('event-timeline');
const filters = new ReviewFilters(form, () => list.reload());
const list = new EventList(document.querySelector('.review-list'), {
  query: () => filters.query,
  accepts: (event) => filters.accepts(event),
  siteName: (event) => cameras.get(event.device_id)?.site_name ?? event.site_id,
  empty: () => (filters.isActive ? NOTHING_FITS : NOTHING_YET),
});

const NOTHING_YET = {
  iconName: 'scan-eye',
  title: 'No events yet',
  text: 'As soon as a camera sees something it appears here by itself. Whether cameras are online is on the Fleet page; a new one begins with:',
  command: 'camfleet provision "Gate north"',
};

const NOTHING_FITS = {
  iconName: 'filter-x',
  title: 'No event fits these filters',
  text: 'Matching ones appear here by themselves when they happen.',
  action: { name: 'Clear the filters', run: () => form.reset() },
};

const drawTimeline = oncePerFrame(() => {
  const { events } = list;
  timeline.show(events);
  filters.offerLabels(events.map((event) => event.label));
  setText(form.querySelector('.result-count'), events.length === 1 ? '1 event' : `${events.length.toLocaleString()} events`);
});

async function start() {
  filters.fill();
  try {
    const { items, cursor } = await getJson('/api/v1/cameras');
    items.forEach((camera) => cameras.set(camera.device_id, camera));
    filters.offerCameras(items);
    await list.reload();
    feed.start(cursor);
  } catch (error) {
    toast(error.message, 'bad', { name: 'Try again', run: start });
  }
}

list.addEventListener('change', drawTimeline);
timeline.addEventListener('choose', ({ detail }) => list.reveal(detail));
feed.addEventListener('changes', ({ detail }) => {
  detail.cameras.forEach((camera) => cameras.set(camera.device_id, camera));
  if (detail.events.length) list.apply(detail.events);
});
feed.addEventListener('resync', () => list.reload());
start();
