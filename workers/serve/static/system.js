// The fleet: who works, what is behind, what was dropped, how long it takes.

import { alarms } from "./alarms.js";
import { get } from "./api.js";
import { byId, element, facts, refill, setText, table } from "./dom.js";
import { watch } from "./live.js";
import { attempt, begin } from "./page.js";
import { STAGES, STATES, size, timeOfDay } from "./words.js";

const AGAIN_MS = 3000;
const who = await begin();
await show();
setInterval(() => document.hidden || show(), AGAIN_MS);
watch([], alarms(who), false);

async function show() {
  const system = await attempt(() => get("/api/v1/system"));
  if (!system) return;
  const limit = system.memory_limit_bytes;
  const share = limit ? ` of ${size(limit)} (${Math.round((100 * system.memory_bytes) / limit)}%)` : "";
  refill(
    byId("server"),
    ...facts([
      ["Site", system.site],
      ["Version", system.version],
      ["Seen at", timeOfDay(system.at)],
      ["Memory of the message server", `${size(system.memory_bytes)}${share}`],
    ]),
  );
  refill(
    byId("stages"),
    table(
      ["Stage", "Workers", "Cameras", "Behind", "Takes, half of the time", "Takes at most"],
      Object.entries(system.workers).map(([stage, names]) => stageRow(stage, names, system)),
    ),
  );
  setText(byId("delay"), wholeDelay(system.delays.verdict));
  refill(
    byId("cameras"),
    table(
      ["Camera", "State", "Frames a second", "Behind", "Dropped", "Unusable", "Worked on by"],
      system.cameras.map((camera) => cameraRow(camera, system.workers)),
    ),
  );
}

function wholeDelay(whole) {
  if (!whole) return "Nothing was judged in the last minute.";
  return (
    `From a picture to its verdict: ${inSeconds(whole.median_s)} half of the time, ` +
    `${inSeconds(whole.worst_s)} at most, in the last minute. The times hold the waiting before each stage.`
  );
}

function stageRow(stage, names, system) {
  const owned = system.cameras.filter((camera) => camera.owners[stage]).length;
  const all = system.cameras.length;
  const behind = system.cameras.reduce((sum, camera) => sum + (camera.lags[stage] ?? 0), 0);
  const delay = system.delays[stage];
  return [
    element("span", {}, stage, element("span", { class: "quiet small under" }, STAGES[stage] ?? "")),
    names.length ? names.join(", ") : warning("nobody"),
    owned < all ? warning(`${owned} of ${all}`) : `all ${all}`,
    stage in (system.cameras[0]?.lags ?? {}) ? String(behind) : "–",
    delay ? inSeconds(delay.median_s) : "–",
    delay ? inSeconds(delay.worst_s) : "–",
  ];
}

function cameraRow(camera, workers) {
  const href = `/camera?camera=${encodeURIComponent(camera.camera)}`;
  return [
    element("a", { href, "data-key": camera.camera }, camera.camera),
    element("span", { class: `badge ${camera.state}` }, STATES[camera.state]),
    camera.fps.toFixed(1),
    counts(camera.lags),
    counts(camera.dropped),
    String(camera.dead),
    owners(camera, workers),
  ];
}

/** Who has a camera: those whose stage has several workers by name, and stages in which nobody does. */
function owners(camera, workers) {
  const free = Object.keys(workers).filter((stage) => !camera.owners[stage]);
  const named = Object.entries(camera.owners)
    .filter(([stage, name]) => name && workers[stage]?.length > 1)
    .map(([stage, name]) => `${stage}: ${name}`);
  if (free.length) return warning(`nobody in ${free.join(", ")}`);
  return named.join(", ") || "every stage";
}

/** Counts that are not 0, each with its name. */
function counts(named) {
  const some = Object.entries(named).filter(([, count]) => count);
  return some.length ? some.map(([name, count]) => `${name} ${count}`).join(", ") : "0";
}

function inSeconds(value) {
  return value < 1 ? `${Math.round(1000 * value)} ms` : `${value.toFixed(1)} s`;
}

function warning(words) {
  return element("strong", { class: "late" }, `▲ ${words}`);
}
