/** What a page shows is kept in its address, so that every view is a link. */

/** Return the named parameters of the address; absent ones are ''. */
export function readUrl(names) {
  const parameters = new URLSearchParams(location.search);
  return Object.fromEntries(names.map((name) => [name, parameters.get(name) ?? '']));
}

/** Put `values` into the address; empty ones are taken out. `push` makes a step that the back button undoes. */
export function writeUrl(values, { push = false } = {}) {
  const parameters = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(values)) {
    if (value) parameters.set(name, value);
    else parameters.delete(name);
  }
  const address = parameters.size ? `?${parameters}` : location.pathname;
  if (address === (location.search || location.pathname)) return;
  history[push ? 'pushState' : 'replaceState'](null, '', address);
}

/** Run `work` when the person went back or forward. */
export function onUrlChange(work) {
  addEventListener('popstate', work);
}
