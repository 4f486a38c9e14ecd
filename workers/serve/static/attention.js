// Sound and desktop notices of new incidents, each only if somebody wants it.

import { say } from "./banners.js";
import { element, setText } from "./dom.js";

const TONES = [
  [0, 880],
  [0.22, 660],
  [0.44, 880],
];
let sound = null;

/** A switch for the sound. */
export function soundSwitch() {
  if (wanted("sound") && !navigator.userActivation?.hasBeenActive) waitForAClick();
  return toggle("sound", "Sound", () => {
    openSound();
    beep();
    return "";
  });
}

/** A switch for the notices of the desktop. */
export function noticeSwitch() {
  if (!("Notification" in globalThis)) return null;
  return toggle("notices", "Notices", async () => {
    if (!isSecureContext) return "Notices need a page over HTTPS: ask whoever runs this site.";
    const said = await Notification.requestPermission();
    if (said === "denied") return "This browser blocks notices of this page: allow them in its settings.";
    if (said !== "granted") return "Without your permission there are no notices.";
    return notify("Notices are on", "You will be told of new incidents like this.", "nexara", "");
  });
}

/** Makes a sound, and a notice, of a new incident. */
export function call(incident, words) {
  if (wanted("sound")) beep();
  if (wanted("notices") && globalThis.Notification?.permission === "granted") {
    const path = `/incident?id=${incident.incident_id}`;
    notify(`▲ Incident: ${incident.camera}`, words, incident.incident_id, path);
  }
}

function wanted(key) {
  return localStorage.getItem(key) === "on";
}

/** Shows a notice; says why it cannot. */
function notify(title, body, tag, path) {
  try {
    const shown = new Notification(title, { body, tag, icon: "/static/icon.svg" });
    shown.addEventListener("click", () => {
      window.focus();
      shown.close();
      if (path) location.assign(path);
    });
    return "";
  } catch {
    // Phones show those of installed apps alone.
    return "This browser shows no notices of pages: keep the sound on instead.";
  }
}

/** A switch that remembers what it was set to. `turnOn` gives words if it cannot be. */
function toggle(key, name, turnOn) {
  const state = element("span", { class: "state", "aria-hidden": "true" });
  const button = element("button", { class: "slim switch", type: "button", role: "switch" }, name, state);
  const show = () => {
    button.setAttribute("aria-checked", String(wanted(key)));
    setText(state, wanted(key) ? "on" : "off");
  };
  button.title = `${name} for new incidents`;
  button.addEventListener("click", async () => {
    const on = !wanted(key);
    const trouble = on ? await turnOn() : "";
    localStorage.setItem(key, on && !trouble ? "on" : "off");
    say(`no-${key}`, trouble);
    show();
  });
  show();
  return button;
}

/** Before somebody has used the page, browsers let it make no sound. */
function waitForAClick() {
  say("silent", "Sound is on, but browsers keep a page silent until it is used: click it, or press a key.");
  const used = ["pointerdown", "keydown"];
  const open = () => {
    for (const event of used) removeEventListener(event, open);
    say("silent", "");
    openSound();
  };
  for (const event of used) addEventListener(event, open);
}

function openSound() {
  sound ??= new AudioContext();
  sound.resume();
}

function beep() {
  if (!sound && navigator.userActivation?.hasBeenActive) openSound();
  if (!sound) return;
  for (const [after, pitch] of TONES) {
    const tone = new OscillatorNode(sound, { frequency: pitch });
    const volume = new GainNode(sound, { gain: 0.15 });
    tone.connect(volume).connect(sound.destination);
    tone.start(sound.currentTime + after);
    tone.stop(sound.currentTime + after + 0.16);
  }
}
