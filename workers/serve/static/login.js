// The login: the answer's cookie is the session, scripts cannot see it.

import { ownPath } from "./dom.js";

const form = document.getElementById("login");
const problem = document.getElementById("problem");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  problem.textContent = "";
  try {
    const answer = await fetch("/login", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(Object.fromEntries(new FormData(form))),
    });
    const told = await answer.json();
    if (answer.ok) {
      location.replace(ownPath(new URLSearchParams(location.search).get("next")));
      return;
    }
    const wait = answer.headers.get("Retry-After");
    problem.textContent = wait ? `${told.detail} ${wait} s` : told.detail;
  } catch {
    problem.textContent = "the page's server does not answer";
  } finally {
    button.disabled = false;
  }
});
