// What every page has: the head, banners of incidents, the sound of one.

import { me, post } from "./api.js";
import { byId, element } from "./dom.js";
import { SHAPES, score, timeOfDay } from "./words.js";

const PAGES = [
  ["/", "Live"],
  ["/incidents", "Incidents"],
  ["/system", "System"],
  ["/account", "Account"],
];
const BANNERS = 4;
const shown = new Map();
let sound = null;

/** Builds the head; gives who is logged in. */
export async function begin() {
  const who = await me();
  const links = PAGES.map(([path, name]) =>
    element("a", { href: path, "aria-current": location.pathname === path ? "page" : null }, name),
  );
  document.body.prepend(
    element("a", { class: "skip", href: "#main" }, "To the contents"),
    element(
      "header",
      { class: "head" },
      element(
        "a",
        { class: "brand", href: "/" },
        element("img", { src: "/static/icon.svg", alt: "", width: 28, height: 28 }),
        who.site,
      ),
      element("nav", { "aria-label": "Pages" }, links),
      element("div", { class: "tools" }, soundSwitch(), noticeSwitch()),
    ),
    element("div", { class: "banners", id: "banners", role: "region", "aria-label": "New incidents" }),
  );
  document.title = `${document.title} · ${who.site}`;
  return who;
}

/** What a live view's listener for incidents is, and for its connection. */
export function alarms(who, also = () => {}) {
  return {
    incident: (incident) => {
      also(incident);
      if (incident.change === "new") alarm(incident, who);
      if (incident.change === "end" && incident.end_reason === "merged") take(incident.incident_id);
    },
    open: () => byId("offline")?.remove(),
    closed: () => {
      if (byId("offline")) return;
      const words = "The server does not answer: what is shown may be old. Trying again …";
      byId("banners").append(
        element("div", { class: "banner offline", id: "offline", role: "status" }, words),
      );
    },
  };
}

/** Runs something that may fail, and says why it did. */
export async function attempt(action, problem = byId("problem")) {
  if (problem) problem.textContent = "";
  try {
    return await action();
  } catch (error) {
    if (problem) problem.textContent = error.message;
    else console.warn(error.message);
    return undefined;
  }
}

function alarm(incident, who) {
  const id = incident.incident_id;
  if (shown.has(id)) return;
  const began = timeOfDay(incident.began_captured_at);
  const words = `${incident.camera}, ${began}, score ${score(incident.peak_score)}`;
  const acknowledge = element(
    "button",
    {
      class: "slim",
      onclick: () => attempt(() => post(`/api/v1/incidents/${id}/acknowledge`).then(() => take(id))),
    },
    "Acknowledge",
  );
  const banner = element(
    "div",
    { class: "banner", role: "alert" },
    element("strong", {}, `${SHAPES.VIOLENCE} Incident`),
    element("span", {}, words),
    element(
      "span",
      { class: "tools" },
      element("a", { class: "button slim", href: `/incident?id=${id}` }, "Look"),
      who.role === "viewer" ? null : acknowledge,
      element("button", { class: "slim", onclick: () => take(id), "aria-label": `Hide: ${words}` }, "Hide"),
    ),
  );
  shown.set(id, banner);
  byId("banners").prepend(banner);
  while (shown.size > BANNERS) take(shown.keys().next().value);
  beep();
  if (localStorage.getItem("notices") === "on" && globalThis.Notification?.permission === "granted") {
    new Notification(`Incident at ${incident.camera}`, { body: words, tag: id });
  }
}

function take(id) {
  shown.get(id)?.remove();
  shown.delete(id);
}

// --- sound and desktop notices, each only if somebody wants it --------------------------------------------

function soundSwitch() {
  return toggle("sound", "Sound", () => {
    sound ??= new AudioContext();
    sound.resume();
    beep();
    return true;
  });
}

function noticeSwitch() {
  if (!("Notification" in globalThis)) return null;
  return toggle("notices", "Notices", async () => (await Notification.requestPermission()) === "granted");
}

function toggle(key, name, turnOn) {
  const button = element("button", { class: "slim", type: "button" }, name);
  const show = () => button.setAttribute("aria-pressed", localStorage.getItem(key) === "on");
  button.title = `${name} for new incidents`;
  button.addEventListener("click", async () => {
    const on = localStorage.getItem(key) !== "on";
    localStorage.setItem(key, on ? "on" : "off");
    if (on && !(await turnOn())) localStorage.setItem(key, "off");
    show();
  });
  show();
  return button;
}

function beep() {
  if (localStorage.getItem("sound") !== "on") return;
  // Before somebody has clicked on the page, browsers let it make no sound.
  sound ??= navigator.userActivation?.hasBeenActive ? new AudioContext() : null;
  if (!sound) return;
  for (const [after, pitch] of [
    [0, 880],
    [0.22, 660],
    [0.44, 880],
  ]) {
    const tone = new OscillatorNode(sound, { frequency: pitch });
    const volume = new GainNode(sound, { gain: 0.15 });
    tone.connect(volume).connect(sound.destination);
    tone.start(sound.currentTime + after);
    tone.stop(sound.currentTime + after + 0.16);
  }
}
