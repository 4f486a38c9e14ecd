// The JSON API. Who is no longer logged in is led to the login.

import { sentence } from "./words.js";

let who = null;

/** Who is logged in. */
export function me() {
  who ??= get("/api/v1/me").catch((error) => {
    who = null;
    throw error;
  });
  return who;
}

/** What a path answers. Throws an Error with words for people. */
export function get(path) {
  return ask(path, { headers: { Accept: "application/json" } });
}

/** Sends something that changes the site. Throws an Error with words for people. */
export async function send(method, path, body = null) {
  const headers = { "X-CSRF-Token": (await me()).csrf };
  if (body !== null) headers["Content-Type"] = "application/json";
  return ask(path, { method, headers, body: body === null ? null : JSON.stringify(body) });
}

export const post = (path, body = null) => send("POST", path, body);

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("This page's server does not answer: try again.");
  }
  if (answer.status === 401) {
    location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
    return new Promise(() => {});
  }
  if (answer.status === 204) return null;
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(sentence(told.detail ?? `the server answered ${answer.status}`));
  return told;
}
