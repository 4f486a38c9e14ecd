// One camera: live, and its scores of the last minutes.

import { get } from "./api.js";
import { byId, setText } from "./dom.js";
import { table } from "./list.js";
import { watch } from "./live.js";
import { People } from "./meter.js";
import { alarms, attempt, begin } from "./page.js";
import { Plot } from "./plot.js";
import { View } from "./skeleton.js";
import { MEANINGS, SHAPES, STATES, score, timeOfDay } from "./words.js";

const AGAIN_MS = 3000;
// Verdicts reach the database a moment after they were given.
const OVERLAP_MINUTES = 0.3;
const METERS = 10;

const camera = new URLSearchParams(location.search).get("camera") ?? "";
const path = `/api/v1/cameras/${encodeURIComponent(camera)}`;
const who = await begin();
setText(byId("name"), camera);
document.title = `${camera} · ${who.site}`;

const view = new View(byId("view"));
const people = new People(byId("people"), METERS);
const plot = new Plot(byId("plot"), timeOfDay, (words) => setText(byId("plot-words"), words));
const minutes = byId("minutes");
let steps = new Map();
let panels = {};
let incidents = [];

watch([camera], {
  ...alarms(who, (incident) => incident.camera === camera && showIncidents()),
  hello: (hello) => (view.bones = hello.bones),
  frame: (frame, jpeg) => {
    view.show(frame, jpeg);
    people.show(frame);
    const { scene } = frame;
    setText(
      byId("scene"),
      scene
        ? `${SHAPES[scene.result]} Scene ${score(scene.score)}: ${MEANINGS[scene.result]}`
        : "",
    );
  },
  camera: (fares) => {
    setText(byId("state"), `${STATES[fares.state]} · ${fares.fps.toFixed(1)} fps`);
    byId("state").className = `badge ${fares.state}`;
    const quiet = fares.state === "silent" || fares.state === "ended";
    view.say(quiet ? STATES[fares.state] : "");
    if (quiet) people.clear();
  },
});

minutes.addEventListener("change", () => showScores(true));
await Promise.all([showScores(true), showIncidents()]);
setInterval(() => !document.hidden && showScores(false), AGAIN_MS);

async function showScores(all) {
  const wanted = all ? Number(minutes.value) : OVERLAP_MINUTES;
  const told = await attempt(() => get(`${path}/scores?minutes=${wanted}`));
  if (!told) return;
  if (all) steps = new Map();
  panels = { ...panels, ...told.panels };
  for (const step of told.steps) steps.set(step.captured_at, { ...step, x: step.captured_at });
  const now = Date.now() / 1000;
  const from = now - 60 * Number(minutes.value);
  for (const at of steps.keys()) if (at < from) steps.delete(at);
  plot.show(
    [...steps.values()].sort((a, b) => a.x - b.x),
    panels,
    from,
    now,
    spans(),
  );
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
  byId("incidents").replaceChildren(incidents.length ? table(incidents, false) : "None yet.");
}
