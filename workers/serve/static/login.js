// The login: the answer's cookie is the session, scripts cannot see it.

import { byId, ownPath } from "./dom.js";
import { sentence } from "./words.js";

const form = byId("login");
const problem = byId("problem");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  problem.textContent = "";
  problem.textContent = await tried();
  button.disabled = false;
});

/** Tries it; gives what is wrong in words, or leads on. */
async function tried() {
  let answer;
  try {
    answer = await fetch("/login", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(Object.fromEntries(new FormData(form))),
    });
  } catch {
    return "This page's server does not answer: try again.";
  }
  if (answer.ok) {
    location.replace(ownPath(new URLSearchParams(location.search).get("next")));
    return "";
  }
  if (answer.status === 401) {
    form.elements.password.select();
    return "Name or password is wrong.";
  }
  if (answer.status === 429) {
    const seconds = Number(answer.headers.get("Retry-After"));
    return `Too many wrong tries: wait ${seconds} s, then try again.`;
  }
  const told = await answer.json().catch(() => ({}));
  return sentence(told.detail ?? `the server answered ${answer.status}`);
}
