// What people say of an incident: that they saw it, what it was, a note.

import { post } from "./api.js";
import { element, setText } from "./dom.js";
import { attempt } from "./page.js";

const LABELS = [
  ["true", "It was violence"],
  ["false", "False alarm"],
  ["none", "Nobody knows"],
];

/** The part of the page in which they say it. News of the incident take nothing away that somebody writes. */
export class Saying {
  /**
   * @param {HTMLElement} place
   * @param {string} path the incident's, of the API
   * @param {() => Promise<void>} load shows what there is now
   */
  constructor(place, path, load) {
    const say = (label) => attempt(() => post(`${path}/label`, { label, note: this.note.value }).then(load));
    this.incident = null;
    this.note = element("textarea", { maxlength: 2000 });
    this.acknowledge = element("button", {
      onclick: () => attempt(() => post(`${path}/acknowledge`).then(load)),
    });
    this.labels = LABELS.map(([label, words]) => [
      label,
      element("button", { onclick: () => say(label) }, words),
    ]);
    const save = element(
      "button",
      { class: "primary", onclick: () => say(this.incident.label ?? "none") },
      "Save the note",
    );
    place.replaceChildren(
      element("div", { class: "row" }, this.acknowledge, ...this.labels.map(([, button]) => button)),
      element("label", {}, "Note", this.note),
      element("p", { class: "row" }, save),
    );
  }

  show(incident) {
    const before = this.incident?.note ?? "";
    if (this.note.value === before) this.note.value = incident.note ?? "";
    this.incident = incident;
    this.acknowledge.disabled = incident.acknowledged_at !== null;
    setText(this.acknowledge, incident.acknowledged_at === null ? "Acknowledge" : "Acknowledged");
    for (const [label, button] of this.labels) {
      button.setAttribute("aria-pressed", String((incident.label ?? "none") === label));
    }
  }
}

/** The same for those who may only read it. */
export function read(place, incident) {
  place.replaceChildren(
    element("p", { class: "note" }, incident.note ?? "No note."),
    element("p", { class: "quiet small" }, "Operators may say what it was."),
  );
}
