// What a live view tells on every page: new incidents as banners, and what does not work.

import { post } from "./api.js";
import { call } from "./attention.js";
import { say } from "./banners.js";
import { byId, element, setText } from "./dom.js";
import { attempt, countUnseen } from "./page.js";
import { SHAPES, score, timeOfDay } from "./words.js";

const MOST = 1;
const KEPT = 99;
const SERVER_AWAY =
  "The message server (Redis) does not answer: pictures stand still, and no new incident can be told. " +
  "Trying again …";
const DATABASE_AWAY =
  "The database does not answer: live views go on, but incidents cannot be listed, acknowledged or labelled.";
const shown = new Map();

/**
 * Listeners for a live view.
 *
 * @param {object} who is logged in
 * @param {(incident: object) => void} also is given every incident
 */
export function alarms(who, also = () => {}) {
  return {
    incident: (incident) => {
      also(incident);
      if (incident.change === "new" && !incident.shadow) alarm(incident, who);
      if (incident.change === "end" && incident.end_reason === "merged") take(incident.incident_id);
    },
    open: () => say("offline", ""),
    closed: () => {
      say("offline", "This page's server does not answer: what is shown is old. Trying again …");
      say("server", "");
      say("database", "");
    },
    health: (health) => {
      say("server", health.server ? "" : SERVER_AWAY);
      say("database", health.database ? "" : DATABASE_AWAY);
    },
  };
}

function alarm(incident, who) {
  const id = incident.incident_id;
  if (shown.has(id)) return;
  const where = incident.zones?.length ? ` (${incident.zones.join(", ")})` : "";
  const began = timeOfDay(incident.began_captured_at);
  const words = `${incident.camera}${where}, ${began}, score ${score(incident.peak_score)}`;
  const acknowledge = () =>
    attempt(() => post(`/api/v1/incidents/${id}/acknowledge`).then(() => take(id)), byId("banner-problem"));
  const button = (name, act) =>
    element("button", { class: "slim", onclick: act, "aria-label": `${name}: ${words}` }, name);
  const banner = element(
    "div",
    { class: "banner alarm", role: "alert" },
    element("strong", {}, `${SHAPES.VIOLENCE} Incident`),
    element("span", {}, words),
    element(
      "span",
      { class: "tools" },
      element(
        "a",
        { class: "button slim", href: `/incident?id=${id}`, "aria-label": `Look: ${words}` },
        "Look",
      ),
      who.role === "viewer" ? null : button("Acknowledge", acknowledge),
      button("Hide", () => take(id)),
    ),
  );
  shown.set(id, banner);
  byId("banners").prepend(banner);
  if (shown.size > KEPT) take(shown.keys().next().value);
  count();
  call(incident, words);
}

function take(id) {
  shown.get(id)?.remove();
  shown.delete(id);
  count();
}

/** Shows the newest ones; the others are counted, with the way to them. */
function count() {
  const newest = [...shown.values()].reverse();
  for (const [i, banner] of newest.entries()) banner.hidden = i >= MOST;
  const others = newest.length - MOST;
  if (!byId("others")) {
    byId("banners").append(
      element("p", { class: "banner problem", id: "banner-problem", role: "alert" }),
      element("a", { class: "banner", id: "others", href: "/incidents?acknowledged=false", hidden: true }),
    );
  }
  byId("others").hidden = others <= 0;
  setText(byId("others"), `and ${others} more that nobody has looked at here`);
  countUnseen(shown.size);
}
