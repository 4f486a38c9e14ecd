// Incidents as a table; on a phone as cards.

import { element } from "./dom.js";
import { SHAPES, lasting, score, when } from "./words.js";

export const LABELS = { true: "violence", false: "false alarm" };

/** A table of incidents. */
export function table(incidents, withCamera = true) {
  const heads = [
    "Began",
    withCamera ? "Camera" : null,
    "State",
    "Lasted",
    "Peak",
    "Label",
    "Seen by",
    "Note",
  ];
  return element(
    "div",
    { class: "scroll" },
    element(
      "table",
      { class: "cards" },
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          heads.filter(Boolean).map((head) => element("th", { scope: "col" }, head)),
        ),
      ),
      element(
        "tbody",
        {},
        incidents.map((incident) => row(incident, withCamera)),
      ),
    ),
  );
}

/** More rows for a table. */
export function add(made, incidents) {
  made.querySelector("tbody").append(...incidents.map((incident) => row(incident, true)));
}

/** A badge of an incident's state. */
export function state(incident) {
  const shape = incident.state === "open" ? `${SHAPES.VIOLENCE} ` : "";
  return element("span", { class: `badge ${incident.state}` }, `${shape}${incident.state}`);
}

function row(incident, withCamera) {
  const cell = (name, ...children) => element("td", { "data-name": name }, children);
  const link = element(
    "a",
    { href: `/incident?id=${incident.incident_id}` },
    when(incident.began_captured_at),
  );
  const note = incident.note && incident.note.length > 80 ? `${incident.note.slice(0, 80)} …` : incident.note;
  return element(
    "tr",
    {},
    element("td", {}, link),
    withCamera ? element("td", {}, incident.camera) : null,
    element("td", {}, state(incident)),
    cell("lasted", lasting(incident.duration_s)),
    cell("peak", score(incident.peak_score)),
    cell("label", LABELS[incident.label] ?? "–"),
    cell("seen by", incident.acknowledged_by ?? "nobody yet"),
    element("td", { class: "wide note" }, note ?? ""),
  );
}
