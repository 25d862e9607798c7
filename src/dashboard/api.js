/** Calls of the API with the token of this tab. */
const KEY = 'tenement-token';

export const token = {
  // Of this tab only: another tab, or the next visitor of this browser, has to sign in.
  get: () => sessionStorage.getItem(KEY),
  set: (value) => sessionStorage.setItem(KEY, value),
  clear: () => sessionStorage.removeItem(KEY),
};

/** What the server said when it refused: `status`, `message`, `hint`. */
export class ApiError extends Error {
  constructor(status, message, hint) {
    super(message);
    this.status = status;
    this.hint = hint;
  }
}

/** The answer's JSON. Throws ApiError; the network's own errors pass through. */
export async function call(method, path, body) {
  const response = await request(method, path, { body });
  return response.status === 204 ? undefined : response.json();
}

/** Calls `onEntry` with each event of a stream, until it ends or `signal` aborts. */
export async function follow(path, signal, onOpen, onEntry) {
  const response = await request('GET', path, { signal });
  onOpen();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (text + value).split('\n\n');
    text = events.pop();
    for (const event of events) if (event.startsWith('data: ')) onEntry(JSON.parse(event.slice(6)));
  }
}

async function request(method, path, { body, signal } = {}) {
  const response = await fetch(path, {
    method,
    signal,
    headers: { authorization: `Bearer ${token.get()}` },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (response.ok) return response;
  const error = await response.json().then(
    (json) => json.error,
    () => undefined,
  );
  throw new ApiError(response.status, error?.message ?? response.statusText, error?.hint ?? '');
}
