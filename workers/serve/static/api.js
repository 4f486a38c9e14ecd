// The JSON API. Who is no longer logged in is led to the login.

let who = null;

/** Who is logged in. */
export function me() {
  who ??= get("/api/v1/me");
  return who;
}

/** What a path answers. Throws an Error with words for people. */
export async function get(path) {
  return read(await fetch(path, { headers: { Accept: "application/json" } }));
}

/** Sends something that changes the site. Throws an Error with words for people. */
export async function post(path, body = null) {
  const headers = { "X-CSRF-Token": (await me()).csrf };
  if (body !== null) headers["Content-Type"] = "application/json";
  return read(
    await fetch(path, { method: "POST", headers, body: body === null ? null : JSON.stringify(body) }),
  );
}

async function read(answer) {
  if (answer.status === 401) {
    location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
    return new Promise(() => {});
  }
  if (answer.status === 204) return null;
  const told = await answer.json().catch(() => ({ detail: `the server answered ${answer.status}` }));
  if (!answer.ok) throw new Error(told.detail ?? `the server answered ${answer.status}`);
  return told;
}
