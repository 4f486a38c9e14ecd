// One incident: what shows it, what was judged, what people say of it.

import { alarms } from "./alarms.js";
import { get } from "./api.js";
import { byId, element, facts, setText } from "./dom.js";
import { showEvidence, waitsForClip } from "./evidence.js";
import { state } from "./list.js";
import { watch } from "./live.js";
import { attempt, begin, entitle } from "./page.js";
import { Plot } from "./plot.js";
import { Saying, read } from "./saying.js";
import { ENDS, LABELS, lasting, many, score, short, timeOfDay, when } from "./words.js";

const AGAIN_MS = 5000;
// The archive stores a change a moment after it was told.
const STORED_MS = 1500;
const id = new URLSearchParams(location.search).get("id") ?? "";
const path = `/api/v1/incidents/${encodeURIComponent(id)}`;
const who = await begin();
const seconds = (x) => `${x < 0 ? "−" : "+"}${Math.abs(x).toFixed(1)} s`;
const plot = new Plot(byId("plot"), seconds, (words) => setText(byId("plot-words"), words));
const saying = who.role === "viewer" ? null : new Saying(byId("saying"), path, load);
let waits = true;

await load();
setInterval(() => waits && !document.hidden && load(), AGAIN_MS);
watch(
  [],
  alarms(who, (incident) => incident.incident_id === id && setTimeout(load, STORED_MS)),
  false,
);

async function load() {
  const told = await attempt(() => get(path));
  if (!told) return;
  const { incident } = told;
  byId("all").hidden = false;
  setText(byId("name"), `Incident: ${incident.camera}, ${when(incident.began_captured_at)}`);
  entitle(`${incident.camera} · incident`);
  byId("facts").replaceChildren(...facts(factsOf(incident)));
  if (saying) saying.show(incident);
  else read(byId("saying"), incident);
  waits = waitsForClip(incident, told.evidence);
  showEvidence(byId("evidence"), told.evidence);
  showScores(incident, told.scores);
  showChanges(told.changes);
}

function factsOf(incident) {
  const link = (href, words) => element("a", { href }, words);
  const why = ENDS[incident.end_reason] ?? "";
  const into = incident.merged_into && link(`/incident?id=${incident.merged_into}`, incident.merged_into);
  const seen = incident.acknowledged_by;
  return [
    ["State", element("span", {}, state(incident), why && ` ${why} `, into)],
    ["Camera", link(`/camera?camera=${encodeURIComponent(incident.camera)}`, incident.camera)],
    ...(incident.zones.length ? [["Zones", incident.zones.join(", ")]] : []),
    ...(incident.shadow ? [["Shadow mode", "recorded, nobody was alerted"]] : []),
    ["Began", when(incident.began_captured_at)],
    ["Lasted", lasting(incident.duration_s)],
    ["Peak score", `${score(incident.peak_score)}, of the scene ${score(incident.peak_scene_score)}`],
    ["Verdicts", `${incident.violent} violence, ${incident.vetoed} vetoed`],
    ["People", incident.track_ids.map(short).join(", ")],
    ["What it was", LABELS[incident.label] ?? "not said yet"],
    ["Seen by", seen ? `${seen}, ${when(incident.acknowledged_at)}` : "nobody yet"],
    ["Id", incident.incident_id],
  ];
}

function showScores(incident, scores) {
  // Seconds since it began, on the camera's own clock.
  const steps = scores.steps.map((step) => ({ ...step, x: step.at - incident.began_at }));
  const to = Math.max(incident.duration_s + 5, ...steps.map((step) => step.x));
  plot.show(steps, scores.panels, Math.min(-5, ...steps.map((step) => step.x)), to, [
    { from: 0, to: incident.duration_s },
  ]);
}

function showChanges(changes) {
  setText(byId("changes-name"), `How it was told (${many(changes.length, "message")})`);
  const words = { new: "it began", update: "it went on", end: "it ended" };
  byId("changes").replaceChildren(
    ...changes.map(({ change, captured_at, told }) => {
      const why = ENDS[told.end_reason] ? `: ${ENDS[told.end_reason]}` : "";
      const people = many(told.track_ids.length, "person", "people");
      return element(
        "li",
        {},
        element("span", { class: "quiet numbers" }, `${timeOfDay(captured_at)} `),
        `${words[change]}${why}; peak ${score(told.peak_score)}, ${people}`,
      );
    }),
  );
}
