// What people say of an incident: that they saw it, what it was, a note.

import { post } from "./api.js";
import { element, setText } from "./dom.js";
import { attempt } from "./page.js";
import { LABELS, when } from "./words.js";

const CHOICES = [
  ["true", "Violence"],
  ["false", "False alarm"],
];

/** The part of the page in which they say it. News of the incident take nothing away that somebody writes. */
export class Saying {
  /**
   * @param {HTMLElement} place
   * @param {string} path the incident's, of the API
   * @param {() => Promise<void>} load shows what there is now
   */
  constructor(place, path, load) {
    const tell = (what, said, words) =>
      attempt(async () => {
        await post(`${path}/${what}`, said);
        await load();
        setText(this.done, words);
      });
    const say = (label, words) => tell("label", { label, note: this.note.value }, words);
    this.incident = null;
    this.note = element("textarea", { maxlength: 2000, rows: 3 });
    this.done = element("p", { class: "small", role: "status" });
    this.seen = element("p", { class: "quiet small", hidden: true });
    this.acknowledge = element(
      "button",
      { class: "primary", onclick: () => tell("acknowledge", null, "Acknowledged.") },
      "Acknowledge",
    );
    this.choices = CHOICES.map(([label, words]) => [
      label,
      element(
        "button",
        {
          onclick: () =>
            this.incident.label === label
              ? say("none", "It is open again what it was.")
              : say(label, `Kept: ${LABELS[label]}.`),
        },
        words,
      ),
    ]);
    place.replaceChildren(
      element("p", {}, this.acknowledge, this.seen),
      element(
        "div",
        { class: "row", role: "group", "aria-label": "What it was" },
        element("span", { class: "ask" }, "What was it?"),
        ...this.choices.map(([, button]) => button),
      ),
      element("label", {}, "Note", this.note),
      element(
        "p",
        { class: "row" },
        element(
          "button",
          { onclick: () => say(this.incident.label ?? "none", "The note is kept.") },
          "Save the note",
        ),
        this.done,
      ),
    );
  }

  show(incident) {
    const before = this.incident?.note ?? "";
    if (this.note.value === before) this.note.value = incident.note ?? "";
    this.incident = incident;
    const seen = incident.acknowledged_at !== null;
    this.acknowledge.hidden = seen;
    this.seen.hidden = !seen;
    setText(this.seen, seen ? `✓ Seen by ${incident.acknowledged_by}, ${when(incident.acknowledged_at)}` : "");
    for (const [label, button] of this.choices)
      button.setAttribute("aria-pressed", String(incident.label === label));
  }
}

/** The same for those who may only read it. */
export function read(place, incident) {
  place.replaceChildren(
    element("p", { class: "note" }, incident.note ?? "No note."),
    element("p", { class: "quiet small" }, "Operators may say what it was."),
  );
}
