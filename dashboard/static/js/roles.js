/** What the person may do here; the server has the last word, this only spares a button that would be refused. */

const RANKS = ['viewer', 'operator', 'admin'];

/** Whether the person has at least this role. */
export function may(role) {
  return RANKS.indexOf(document.body.dataset.role) >= RANKS.indexOf(role);
}
