// One camera: live, and its scores of the last minutes.

import { alarms } from "./alarms.js";
import { get } from "./api.js";
import { byId, element, refill, setText } from "./dom.js";
import { incidentTable } from "./list.js";
import { watch } from "./live.js";
import { People } from "./meter.js";
import { attempt, begin, entitle } from "./page.js";
import { Plot } from "./plot.js";
import { View } from "./skeleton.js";
import { MEANINGS, SHAPES, STATES, score, timeOfDay } from "./words.js";

const AGAIN_MS = 3000;
// Verdicts and incidents reach the database a moment after they were given.
const OVERLAP_MINUTES = 0.3;
const STORED_MS = 2500;
const METERS = 10;

const camera = new URLSearchParams(location.search).get("camera") ?? "";
const path = `/api/v1/cameras/${encodeURIComponent(camera)}`;
const who = await begin();
setText(byId("name"), camera);
entitle(camera);
byId("zones").href = `/zones?camera=${encodeURIComponent(camera)}`;

const view = new View(camera);
byId("stage").append(view.item);
const people = new People(byId("people"), METERS, byId("more"));
const plot = new Plot(byId("plot"), timeOfDay, (words) => setText(byId("plot-words"), words));
const minutes = byId("minutes");
let steps = new Map();
let panels = {};
let incidents = [];

minutes.addEventListener("change", () => showScores(true));
if (await showScores(true)) {
  byId("all").hidden = false;
  showIncidents();
  watch([camera], {
    ...alarms(who, (incident) => incident.camera === camera && setTimeout(showIncidents, STORED_MS)),
    hello: (hello) => (view.bones = hello.bones),
    frame: showFrame,
    camera: showState,
  });
  setInterval(() => document.hidden || showScores(false), AGAIN_MS);
}

function showFrame(frame, jpeg) {
  view.show(frame, jpeg);
  people.show(frame);
  const { scene } = frame;
  const words = scene && `${SHAPES[scene.result]} Scene ${score(scene.score)}: ${MEANINGS[scene.result]}.`;
  setText(byId("scene"), words ?? "");
}

function showState(fares) {
  const fps = fares.state === "running" ? ` · ${fares.fps.toFixed(1)} fps` : "";
  setText(byId("state"), `${STATES[fares.state]}${fps}`);
  byId("state").className = `badge ${fares.state}`;
  if (view.fares(fares.state)) people.clear();
}

/** Asks for all scores or the newest ones; gives whether there is such a camera. */
async function showScores(all) {
  const wanted = all ? Number(minutes.value) : OVERLAP_MINUTES;
  const told = await attempt(() => get(`${path}/scores?minutes=${wanted}`));
  // Without a database people can still be watched.
  if (!told) return byId("problem").textContent.includes("database");
  if (all) steps = new Map();
  panels = { ...panels, ...told.panels };
  for (const step of told.steps) steps.set(step.captured_at, { ...step, x: step.captured_at });
  const now = Date.now() / 1000;
  const from = now - 60 * Number(minutes.value);
  for (const at of steps.keys()) if (at < from) steps.delete(at);
  const inOrder = [...steps.values()].sort((a, b) => a.x - b.x);
  plot.show(inOrder, panels, from, now, spans());
  return true;
}

function spans() {
  return incidents.map((incident) => ({
    from: incident.began_captured_at,
    to: incident.began_captured_at + incident.duration_s,
  }));
}

async function showIncidents() {
  const told = await attempt(() => get(`/api/v1/incidents?limit=20&camera=${encodeURIComponent(camera)}`));
  if (!told) return;
  incidents = told.incidents;
  const none = element("p", { class: "quiet" }, "None yet.");
  refill(byId("incidents"), incidents.length ? incidentTable(incidents, false) : none);
}
