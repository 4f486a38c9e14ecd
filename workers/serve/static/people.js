// Who may look at the site: people and programs, for admins.

import { alarms } from "./alarms.js";
import { get, post, send } from "./api.js";
import { byId, element, refill, setText, table } from "./dom.js";
import { watch } from "./live.js";
import { attempt, begin } from "./page.js";
import { when } from "./words.js";

const ROLES = ["viewer", "operator", "admin"];
const who = await begin();
const usersPath = "/api/v1/users";
const tokensPath = "/api/v1/tokens";

if (who.role === "admin") await show();
else setText(byId("problem"), "This page is for admins.");
watch([], alarms(who), false);

byId("new-user").addEventListener("submit", (event) => {
  const fields = taken(event);
  change(async () => {
    const made = await post(usersPath, { name: fields.get("name"), role: fields.get("role") });
    event.target.reset();
    tell(`The password of ${made.name}`, made.password, "They can change it under Account.");
  });
});

byId("new-token").addEventListener("submit", (event) => {
  const fields = taken(event);
  const days = Number(fields.get("days")) || null;
  change(async () => {
    const made = await post(tokensPath, { name: fields.get("name"), role: fields.get("role"), days });
    event.target.reset();
    tell(`The token ${made.name}`, made.token, "Programs send it as Authorization: Bearer TOKEN.");
  });
});

function taken(event) {
  event.preventDefault();
  return new FormData(event.target);
}

/** Does something, and shows what there is then, also where it was refused. */
async function change(action) {
  byId("secret").hidden = true;
  await attempt(action);
  const problem = byId("problem").textContent;
  await show();
  if (problem) setText(byId("problem"), problem);
}

async function show() {
  const told = await attempt(() => Promise.all([get(usersPath), get(tokensPath)]));
  if (!told) return;
  const [users, tokens] = told;
  refill(byId("users"), table(["Name", "Role", "Since", "State", "Change"], users.map(userRow)));
  const none = element("p", { class: "quiet" }, "There are none.");
  refill(
    byId("tokens"),
    tokens.length
      ? table(["Name", "Role", "Since", "Until", "Last used", "Change"], tokens.map(tokenRow))
      : none,
  );
}

function userRow(user) {
  const path = `${usersPath}/${encodeURIComponent(user.name)}`;
  const { name } = user;
  const role = element(
    "select",
    {
      "aria-label": `Role of ${name}`,
      "data-key": `role ${name}`,
      onchange: (event) => change(() => post(path, { role: event.target.value })),
    },
    ROLES.map((one) => element("option", { selected: one === user.role }, one)),
  );
  const shut = user.disabled ? "Let in again" : "Shut out";
  return [
    element("strong", {}, name, name === who.name ? " (you)" : ""),
    role,
    when(user.created_at),
    user.disabled ? element("span", { class: "late" }, "◆ shut out") : "may log in",
    element(
      "span",
      { class: "row" },
      button(shut, name, () => change(() => post(path, { disabled: !user.disabled }))),
      button("New password", name, () => newPassword(name, path)),
      button("Remove", name, () => remove(`Remove ${name}?`, path)),
    ),
  ];
}

function tokenRow(token) {
  const path = `${tokensPath}/${encodeURIComponent(token.name)}`;
  const ended = token.expires_at !== null && token.expires_at < Date.now() / 1000;
  const until = token.expires_at === null ? "for ever" : when(token.expires_at);
  return [
    element("strong", {}, token.name),
    token.role,
    when(token.created_at),
    ended ? element("span", { class: "late" }, `◆ ended ${until}`) : until,
    token.last_used_at === null ? "not yet" : when(token.last_used_at),
    button("Remove", token.name, () => remove(`Remove the token ${token.name}?`, path)),
  ];
}

function button(words, name, act) {
  const key = `${words} ${name}`;
  return element(
    "button",
    { class: "slim", type: "button", "aria-label": `${words}: ${name}`, "data-key": key, onclick: act },
    words,
  );
}

function newPassword(name, path) {
  if (!confirm(`Give ${name} a new password, and log them out everywhere?`)) return;
  change(async () => {
    const made = await post(`${path}/password`);
    tell(`The new password of ${name}`, made.password, "They can change it under Account.");
  });
}

function remove(question, path) {
  if (confirm(question)) change(() => send("DELETE", path));
}

/** Shows a secret, which nobody can be told again. */
function tell(what, secret, then) {
  const copy = element("button", {
    class: "slim",
    onclick: () => navigator.clipboard?.writeText(secret).then(() => setText(copy, "Copied")),
  }, "Copy");
  byId("secret").replaceChildren(
    element("h2", {}, `${what}: shown this once`),
    element("p", { class: "row" }, element("code", {}, secret), isSecureContext ? copy : null),
    element("p", { class: "quiet small" }, then),
  );
  byId("secret").hidden = false;
}
