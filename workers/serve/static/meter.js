// How violent each person is judged to be: the score and the veto's, each with its threshold.

import { element, setText } from "./dom.js";
import { SHAPES, meaning, score, short } from "./words.js";

/** A list of people that changes with each frame; `most` of them, the others are counted in `more`. */
export class People {
  constructor(list, most, more) {
    this.list = list;
    this.most = most;
    this.rows = new Map();
    this.more = more;
    this.nobody = element("li", { class: "quiet small" }, "Nobody in the picture");
    list.append(this.nobody);
  }

  /** Shows the people of a frame, the most violent ones of them. */
  show(frame) {
    const judged = frame.people.filter((person) => person.verdict);
    judged.sort((a, b) => b.verdict.score - a.verdict.score);
    // Rows keep their places while the same people are shown, or nobody could read them.
    const shown = new Set(judged.slice(0, this.most).map((person) => person.track_id));
    for (const [id, row] of this.rows) {
      if (shown.has(id)) continue;
      row.item.remove();
      this.rows.delete(id);
    }
    for (const person of judged) {
      if (!shown.has(person.track_id)) continue;
      let row = this.rows.get(person.track_id);
      if (!row) {
        row = new Row(person.track_id);
        this.rows.set(person.track_id, row);
        this.list.append(row.item);
      }
      row.show(person, frame.experts);
    }
    const others = frame.people.length - shown.size;
    this.nobody.hidden = frame.people.length > 0;
    const words = shown.size ? `and ${others} more` : `${others} not judged yet`;
    setText(this.more, others > 0 ? words : "");
  }

  /** Shows nobody. */
  clear() {
    this.show({ people: [], experts: [] });
  }
}

class Row {
  constructor(id) {
    this.shape = element("span", { class: "shape", "aria-hidden": "true" });
    this.result = element("span");
    this.meters = [new Meter(), new Meter()];
    this.item = element(
      "li",
      { class: "person" },
      this.shape,
      element("span", { class: "who" }, short(id), this.result),
      this.meters.map((meter) => meter.item),
    );
  }

  show(person, experts) {
    const { result, unsure } = person.verdict;
    this.item.className = `person ${result}`;
    this.item.title = meaning(result, unsure);
    setText(this.shape, SHAPES[result]);
    setText(this.result, result.toLowerCase());
    const primary = experts.find((expert) => expert.role === "primary");
    const veto = experts.findIndex((expert) => expert.role === "veto");
    this.meters[0].show("primary", person.verdict.score, primary?.threshold);
    this.meters[1].item.hidden = veto < 0;
    if (veto >= 0) this.meters[1].show("veto", person.verdict.scores[veto], experts[veto].threshold);
  }
}

class Meter {
  constructor() {
    this.name = element("span", { class: "name" });
    this.fill = element("span", { class: "fill" });
    this.mark = element("span", { class: "mark" });
    this.value = element("span", { class: "value" });
    this.why = element("span", { class: "unseen" });
    this.item = element(
      "span",
      { class: "meter" },
      this.name,
      element("span", { class: "bar", "aria-hidden": "true" }, this.fill, this.mark),
      this.value,
      this.why,
    );
  }

  show(name, value, threshold) {
    setText(this.name, name);
    setText(this.value, score(value));
    this.item.title =
      value === null ? "not asked: the primary is below its threshold" : `threshold ${score(threshold)}`;
    setText(this.why, value === null ? "not asked" : "");
    this.fill.style.width = `${100 * (value ?? 0)}%`;
    this.mark.hidden = threshold === undefined || threshold === null;
    this.mark.style.left = `${100 * (threshold ?? 0)}%`;
  }
}
