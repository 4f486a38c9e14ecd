// The latest incidents beside the wall: what nobody has looked at yet stands out.

import { get } from "./api.js";
import { element, refill } from "./dom.js";
import { attempt } from "./page.js";
import { LABELS, SHAPES, lasting, score, when } from "./words.js";

const MOST = 8;
// The archive stores an incident a moment after it was told.
const STORED_MS = 2500;
const AGAIN_MS = 30_000;

/** A list of the latest incidents, in step with what a live view tells. */
export class Recent {
  constructor(list) {
    this.list = list;
    this.known = new Map();
    this.soon = 0;
    setInterval(() => document.hidden || this.load(), AGAIN_MS);
  }

  /** What the database knows. */
  async load() {
    const told = await attempt(() => get(`/api/v1/incidents?limit=${MOST}`));
    if (!told) return;
    for (const incident of told.incidents) this.known.set(incident.incident_id, incident);
    this.show();
  }

  /** What was told just now; the database has it a moment later. */
  push(incident) {
    const lasted = incident.last_at - incident.began_at;
    const state = incident.change === "end" ? "ended" : "open";
    const before = this.known.get(incident.incident_id);
    this.known.set(incident.incident_id, { ...before, ...incident, state, duration_s: lasted });
    this.show();
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.load(), STORED_MS);
  }

  show() {
    const newest = [...this.known.values()].sort((a, b) => b.began_captured_at - a.began_captured_at);
    this.known = new Map(newest.slice(0, MOST).map((incident) => [incident.incident_id, incident]));
    refill(
      this.list,
      ...(this.known.size
        ? [...this.known.values()].map(item)
        : [element("li", { class: "quiet" }, "None yet.")]),
    );
  }
}

function item(incident) {
  const seen = incident.acknowledged_by;
  const open = incident.state === "open";
  const label = LABELS[incident.label];
  const said = label ?? (seen ? `seen by ${seen}` : "not seen yet");
  const lasted = open ? "goes on" : lasting(incident.duration_s);
  return element(
    "li",
    { class: `${seen ? "seen" : "new"} ${open ? "open" : ""}` },
    element(
      "a",
      { href: `/incident?id=${incident.incident_id}`, "data-key": incident.incident_id },
      `${open ? `${SHAPES.VIOLENCE} ` : ""}${incident.camera}, ${when(incident.began_captured_at)}`,
    ),
    element(
      "span",
      { class: "small numbers" },
      `score ${score(incident.peak_score)} · ${lasted} · `,
      element("span", { class: "said" }, said),
    ),
  );
}
