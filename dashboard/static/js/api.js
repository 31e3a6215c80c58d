/** Ask the dashboard's API; a lost session leads to the login page, a refusal becomes one clear error. */

/** The answer was not a success; `message` is for people, `status` 0 means that no answer came. */
export class RequestFailed extends Error {
  constructor(status, detail, requestId) {
    super(requestId ? `${detail} (request ${requestId})` : detail);
    this.status = status;
  }
}

/** GET a JSON document; `query` leaves out what is empty. */
export async function getJson(path, query = {}) {
  const parameters = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '' && value !== null && value !== undefined));
  const address = parameters.size ? `${path}?${parameters}` : path;
  const response = await fetch(address, { headers: { Accept: 'application/json' }, credentials: 'same-origin' }).catch(() => null);
  if (!response) throw new RequestFailed(0, 'The server does not answer. It is asked again when the connection is back.');
  return read(response);
}

/** Change something: POST, PATCH or DELETE with a JSON body; never repeated by itself. */
export async function sendJson(method, path, body = null) {
  const token = document.querySelector('meta[name="csrf-token"]').content;
  const headers = { Accept: 'application/json', 'X-CSRFToken': token };
  if (body !== null) headers['Content-Type'] = 'application/json';
  const request = { method, headers, credentials: 'same-origin', body: body === null ? null : JSON.stringify(body) };
  const response = await fetch(path, request).catch(() => null);
  if (!response) throw new RequestFailed(0, 'The server does not answer. See what has changed before you try again.');
  return read(response);
}

async function read(response) {
  if (response.status === 401 || response.redirected) return toLogin();
  if (!response.ok) throw await refusal(response);
  return response.status === 204 ? {} : response.json();
}

async function refusal(response) {
  const problem = await response.json().catch(() => ({}));
  const detail = problem.detail ?? problem.title ?? `The server answered ${response.status}.`;
  return new RequestFailed(response.status, detail, problem.request_id);
}

function toLogin() {
  location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
  return new Promise(() => {});
}
