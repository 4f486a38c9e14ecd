// One incident: what shows it, what was judged, what people say of it.

import { get } from "./api.js";
import { byId, element, setText } from "./dom.js";
import { LABELS, state } from "./list.js";
import { watch } from "./live.js";
import { alarms, attempt, begin } from "./page.js";
import { Plot } from "./plot.js";
import { Saying, read } from "./saying.js";
import { lasting, score, short, timeOfDay, when } from "./words.js";

const id = new URLSearchParams(location.search).get("id") ?? "";
const path = `/api/v1/incidents/${encodeURIComponent(id)}`;
const who = await begin();
const seconds = (x) => `${x < 0 ? "−" : "+"}${Math.abs(x).toFixed(1)} s`;
const plot = new Plot(byId("plot"), seconds, (words) => setText(byId("plot-words"), words));
const saying = who.role === "viewer" ? null : new Saying(byId("saying"), path, load);
let evidence = "";

await load();
// A clip is made some seconds after the end.
const AGAIN_MS = 5000;
const again = setInterval(() => {
  if (evidence.includes('"clip"')) clearInterval(again);
  else if (!document.hidden) load();
}, AGAIN_MS);
watch(
  [],
  alarms(who, (incident) => incident.incident_id === id && load()),
  false,
);

async function load() {
  const told = await attempt(() => get(path));
  if (!told) return;
  const { incident } = told;
  setText(byId("name"), `${incident.camera}, ${when(incident.began_captured_at)}`);
  document.title = `${incident.camera} · incident · ${who.site}`;
  showFacts(incident);
  if (saying) saying.show(incident);
  else read(byId("saying"), incident);
  showEvidence(told.evidence);
  showScores(incident, told.scores);
  showChanges(told.changes);
}

function showFacts(incident) {
  const camera = element(
    "a",
    { href: `/camera?camera=${encodeURIComponent(incident.camera)}` },
    incident.camera,
  );
  const merged =
    incident.merged_into &&
    element("a", { href: `/incident?id=${incident.merged_into}` }, incident.merged_into);
  const facts = [
    [
      "State",
      element(
        "span",
        {},
        state(incident),
        incident.end_reason ? ` ${incident.end_reason}` : "",
        merged ? " into " : "",
        merged,
      ),
    ],
    ["Camera", camera],
    ["Began", when(incident.began_captured_at)],
    ["Lasted", lasting(incident.duration_s)],
    ["Peak", `${score(incident.peak_score)}, of the scene ${score(incident.peak_scene_score)}`],
    ["Verdicts", `${incident.violent} violence, ${incident.vetoed} vetoed`],
    ["People", incident.track_ids.map(short).join(" ")],
    ["Label", LABELS[incident.label] ?? "none"],
    [
      "Seen by",
      incident.acknowledged_by
        ? `${incident.acknowledged_by}, ${when(incident.acknowledged_at)}`
        : "nobody yet",
    ],
    ["Id", incident.incident_id],
  ];
  byId("facts").replaceChildren(
    ...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
  );
}

function showEvidence(files) {
  // The clip is not begun again by each change of the incident.
  if (JSON.stringify(files) === evidence) return;
  evidence = JSON.stringify(files);
  const clip = files.find((file) => file.kind === "clip");
  const snapshot = files.find((file) => file.kind === "snapshot");
  const parts = [];
  if (clip?.url)
    parts.push(
      element("video", {
        src: clip.url,
        controls: true,
        preload: "metadata",
        poster: snapshot?.url,
        playsinline: true,
      }),
    );
  else if (snapshot?.url)
    parts.push(
      element("img", {
        class: "snapshot",
        src: snapshot.url,
        alt: "Skeletons when the incident was confirmed",
      }),
    );
  for (const file of files)
    if (!file.url) parts.push(element("p", { class: "quiet" }, `No ${file.kind}: ${file.note}`));
  if (clip?.url)
    parts.push(element("p", {}, element("a", { href: clip.url, download: true }, "Download the clip")));
  if (!files.length) parts.push(element("p", { class: "quiet" }, "There is no clip or snapshot yet."));
  byId("evidence").replaceChildren(...parts);
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
  const rows = changes.map((change) =>
    element(
      "tr",
      {},
      element("td", {}, timeOfDay(change.captured_at)),
      element("td", {}, change.change),
      element("td", {}, `peak ${score(change.told.peak_score)}`),
      element("td", {}, `${change.told.track_ids.length} people`),
      element("td", {}, change.told.end_reason ?? ""),
    ),
  );
  byId("changes").replaceChildren(element("table", {}, element("tbody", {}, rows)));
}
