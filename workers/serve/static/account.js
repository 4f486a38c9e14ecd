// One's own account: another password, and the way out.

import { post } from "./api.js";
import { byId, setText } from "./dom.js";
import { attempt, begin } from "./page.js";

const who = await begin();
setText(byId("who"), `You are ${who.name}, ${who.role}.`);
// For those who keep passwords for people.
byId("password").elements.username.value = who.name;

byId("password").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  setText(byId("done"), "");
  const done = await attempt(async () => {
    const fields = new FormData(form);
    await post("/api/v1/me/password", { old: fields.get("old"), new: fields.get("new") });
    return true;
  });
  if (!done) return;
  form.reset();
  setText(byId("done"), "You have another password; everywhere else you are logged out.");
});

byId("logout").addEventListener("click", () =>
  attempt(async () => {
    await post("/logout");
    location.assign("/login");
  }),
);
