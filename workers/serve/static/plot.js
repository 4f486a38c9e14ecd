// Scores over time: the scene as a line, each person as a mark, the thresholds they are held against.

import { COLOURS, score, short } from "./words.js";

const LEFT = 40;
// Room for the thresholds' names; on a phone they stand above.
const RIGHT = 92;
const RIGHT_NARROW = 10;
const NARROW = 520;
const TOP = 22;
const BOTTOM = 26;

const LINES = { primary: COLOURS.VIOLENCE, veto: COLOURS.VETOED, scene: "#e8ecf2" };

/** A canvas with scores from `from` to `to`, seconds. */
export class Plot {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {(x: number) => string} label a moment in words
   * @param {(words: string) => void} tell is given what is under the pointer
   */
  constructor(canvas, label, tell) {
    Object.assign(this, { canvas, label, tell, steps: [], panels: {}, spans: [], from: 0, to: 1, at: null });
    new ResizeObserver(() => this.draw()).observe(canvas);
    canvas.addEventListener("pointermove", (event) => this.point(event.offsetX));
    canvas.addEventListener("pointerleave", () => this.point(null));
  }

  /**
   * @param {object[]} steps with `x`, seconds, besides what the API tells of a step
   * @param {object} panels who judged, by number
   * @param {{from: number, to: number}[]} spans when incidents were
   */
  show(steps, panels, from, to, spans = []) {
    Object.assign(this, { steps, panels, from, to, spans });
    this.draw();
    if (this.at === null) this.tell(this.summary());
  }

  summary() {
    if (!this.steps.length) return "Nobody was judged in this time.";
    const highest = this.steps.reduce((a, b) => (b.score > a.score ? b : a));
    const last = this.steps[this.steps.length - 1];
    return (
      `Highest scene score ${score(highest.score)} at ${this.label(highest.x)}, last ${score(last.score)}; ` +
      `violence from ${score(last.threshold)} on. The line is the scene, each mark a person.`
    );
  }

  point(offset) {
    this.at = offset;
    this.draw();
    const step = this.nearest();
    if (!step) {
      this.tell(this.summary());
      return;
    }
    const people = step.verdicts.map(
      (one) => `${short(one.track_id)} ${one.result.toLowerCase()} ${score(one.score)}`,
    );
    this.tell(
      `${this.label(step.x)}: scene ${step.result.toLowerCase()} ${score(step.score)}; ${people.join(", ")}`,
    );
  }

  nearest() {
    if (this.at === null || !this.steps.length) return null;
    const x = this.from + ((this.at - LEFT) / this.width()) * (this.to - this.from);
    return this.steps.reduce((a, b) => (Math.abs(b.x - x) < Math.abs(a.x - x) ? b : a));
  }

  width() {
    return this.canvas.clientWidth - LEFT - (this.narrow() ? RIGHT_NARROW : RIGHT);
  }

  narrow() {
    return this.canvas.clientWidth < NARROW;
  }

  draw() {
    const { canvas } = this;
    const ratio = devicePixelRatio;
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(canvas.clientHeight * ratio);
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    const height = canvas.clientHeight - TOP - BOTTOM;
    const x = (at) => LEFT + (this.width() * (at - this.from)) / (this.to - this.from);
    const y = (value) => TOP + height * (1 - value);
    context.font = "12px system-ui, sans-serif";
    this.drawSpans(context, x, height);
    this.drawGrid(context, x, y);
    context.save();
    context.beginPath();
    context.rect(LEFT, 0, this.width(), canvas.clientHeight);
    context.clip();
    this.drawScene(context, x, y);
    for (const step of this.steps) {
      for (const one of step.verdicts) mark(context, x(step.x), y(one.score), one.result);
    }
    const step = this.nearest();
    if (step) {
      context.strokeStyle = "#e8ecf2";
      line(context, [
        [x(step.x), TOP],
        [x(step.x), TOP + height],
      ]);
    }
    context.restore();
    this.drawThresholds(context, y);
  }

  drawSpans(context, x, height) {
    context.fillStyle = "rgb(255 138 76 / 18%)";
    for (const span of this.spans) {
      const left = Math.max(LEFT, x(span.from));
      const right = Math.min(LEFT + this.width(), x(span.to));
      if (right > left) context.fillRect(left, TOP, Math.max(2, right - left), height);
    }
  }

  drawGrid(context, x, y) {
    context.fillStyle = "#a9b3c2";
    context.strokeStyle = "#2a313d";
    context.textAlign = "right";
    for (const value of [0, 0.25, 0.5, 0.75, 1]) {
      line(context, [
        [LEFT, y(value)],
        [LEFT + this.width(), y(value)],
      ]);
      context.fillText(value.toFixed(2), LEFT - 6, y(value) + 4);
    }
    const parts = Math.max(2, Math.min(6, Math.floor(this.width() / 110)));
    for (let i = 0; i <= parts; i += 1) {
      const at = this.from + ((this.to - this.from) * i) / parts;
      context.textAlign = i === 0 ? "left" : i === parts ? "right" : "center";
      context.fillText(this.label(at), x(at), y(0) + 18);
    }
    context.textAlign = "left";
  }

  drawScene(context, x, y) {
    context.strokeStyle = "#e8ecf2";
    context.lineWidth = 1.5;
    let run = [];
    let before = null;
    // Where nobody was judged for a while there is no line.
    for (const step of this.steps) {
      if (before !== null && step.x - before > 3) {
        line(context, run);
        run = [];
      }
      run.push([x(step.x), y(step.score)]);
      before = step.x;
    }
    line(context, run);
    context.lineWidth = 1;
  }

  drawThresholds(context, y) {
    const last = this.steps[this.steps.length - 1];
    if (!last) return;
    const experts = (this.panels[last.panel] ?? []).filter((expert) => expert.threshold !== null);
    const lines = experts.map((expert) => [expert.role, expert.threshold]);
    if (!lines.some(([, value]) => value === last.threshold)) lines.push(["scene", last.threshold]);
    lines.sort((a, b) => b[1] - a[1]);
    let lowest = 0;
    for (const [place, [name, value]] of lines.entries()) {
      context.fillStyle = context.strokeStyle = LINES[name];
      context.setLineDash([6, 4]);
      line(context, [
        [LEFT, y(value)],
        [LEFT + this.width(), y(value)],
      ]);
      context.setLineDash([]);
      lowest = Math.max(y(value) + 4, lowest + 14);
      const words = `${name} ${score(value)}`;
      if (this.narrow()) context.fillText(words, LEFT + 92 * place, 11);
      else context.fillText(words, LEFT + this.width() + 6, lowest);
    }
  }
}

function line(context, points) {
  if (!points.length) return;
  context.beginPath();
  points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.stroke();
}

/** The shape of a result, as in the legend. */
function mark(context, x, y, result) {
  const r = result === "VIOLENCE" ? 5 : 3.2;
  context.fillStyle = context.strokeStyle = COLOURS[result];
  context.beginPath();
  if (result === "SAFE") context.arc(x, y, 2.4, 0, 2 * Math.PI);
  else if (result === "UNSURE") context.rect(x - 2.5, y - 2.5, 5, 5);
  else if (result === "VETOED") {
    for (const [dx, dy] of [
      [0, -r - 1],
      [r + 1, 0],
      [0, r + 1],
      [-r - 1, 0],
    ])
      context.lineTo(x + dx, y + dy);
    context.closePath();
  } else {
    for (const [dx, dy] of [
      [0, -r],
      [r, r],
      [-r, r],
    ])
      context.lineTo(x + dx, y + dy);
    context.closePath();
  }
  if (result === "UNSURE") context.stroke();
  else context.fill();
}
