// Incidents as a table; on a phone as cards.

import { element, table } from "./dom.js";
import { LABELS, SHAPES, lasting, score, when } from "./words.js";

const NOTE_SHOWN = 80;

/** A table of incidents. */
export function incidentTable(incidents, withCamera = true) {
  const heads = ["Began", "Camera", "State", "Lasted", "Peak", "What it was", "Seen by", "Note"];
  const rows = incidents.map(cells);
  const wanted = (_, i) => withCamera || heads[i] !== "Camera";
  return table(
    heads.filter(wanted),
    rows.map((row) => row.filter(wanted)),
  );
}

/** More rows for a table. */
export function add(made, incidents) {
  made.tBodies[0].append(...incidentTable(incidents).tBodies[0].rows);
}

/** A badge of an incident's state. */
export function state(incident) {
  const shape = incident.state === "open" ? `${SHAPES.VIOLENCE} ` : "";
  const words = incident.state === "open" ? "goes on" : incident.state;
  return element("span", { class: `badge ${incident.state}` }, `${shape}${words}`);
}

function cells(incident) {
  const note = incident.note ?? "";
  const shortened = note.length > NOTE_SHOWN ? `${note.slice(0, NOTE_SHOWN)} …` : note;
  const began = element(
    "a",
    { href: `/incident?id=${incident.incident_id}`, "data-key": incident.incident_id },
    when(incident.began_captured_at),
  );
  const seen = incident.acknowledged_by ?? element("strong", { class: "unlooked" }, "nobody yet");
  return [
    began,
    incident.camera,
    element("span", {}, state(incident), incident.shadow ? " in shadow mode" : ""),
    lasting(incident.duration_s),
    score(incident.peak_score),
    LABELS[incident.label] ?? "–",
    seen,
    element("span", { class: "note" }, shortened),
  ];
}
