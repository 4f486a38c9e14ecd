// One's own account: another password, and the way out.

import { post } from "./api.js";
import { alarms } from "./alarms.js";
import { byId, setText } from "./dom.js";
import { watch } from "./live.js";
import { attempt, begin } from "./page.js";

const MAY = {
  viewer: "You may look at everything.",
  operator: "You may also acknowledge incidents and say what they were.",
  admin: "You may do everything, and say who else may look.",
};

const who = await begin();
setText(byId("who"), `You are logged in as ${who.name} (${who.role}). ${MAY[who.role]}`);
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
  setText(byId("done"), "Your password is changed. Everywhere else you are logged out.");
});

byId("logout").addEventListener("click", () =>
  attempt(async () => {
    await post("/logout");
    location.assign("/login");
  }),
);
watch([], alarms(who), false);
