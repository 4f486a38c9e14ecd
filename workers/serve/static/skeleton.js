// Draws a frame: skeletons on black, or over the picture.

import { element, setText } from "./dom.js";
import { COLOURS, OVER, SHAPES, score, short } from "./words.js";

// A running camera whose frames stop coming is said to be still after so long.
const STALE_S = 5;
const A_DAY_S = 86_400;
const NEARLY_SEEN = { rootMargin: "200px" };

// Below the first nobody has seen the joint; below the second it is little more than a guess.
const LEAST = 0.05;
const SURE = 0.3;
const NOT_JUDGED = "#e8ecf2";
const HEAD = [0, 1, 2, 3, 4];
// Ears, eyes and nose are one head, a circle.
const NO_BONE = new Set(["0-1", "0-2", "1-3", "2-4", "3-5", "4-6"]);
const SHOULDERS = [5, 6];
const HIPS = [11, 12];

/** A picture that shows the newest frame it was given, when the browser next paints. */
export class View {
  constructor(camera) {
    this.canvas = element("canvas", { class: "view", role: "img", "aria-label": `Skeletons of ${camera}` });
    this.over = element("p", { class: "over" }, OVER.waiting);
    this.item = element("div", { class: "stage" }, this.canvas, this.over);
    this.frame = null;
    this.picture = null;
    this.bones = [];
    this.state = "waiting";
    this.shownAt = performance.now();
    this.visible = true;
    this.asked = false;
    new ResizeObserver(() => this.ask()).observe(this.canvas);
    new IntersectionObserver(([entry]) => {
      this.visible = entry.isIntersecting;
      this.ask();
    }, NEARLY_SEEN).observe(this.canvas);
    setInterval(() => this.sayOver(), 1000);
  }

  /** Shows a frame, over its picture if there is one. */
  async show(frame, jpeg) {
    this.shownAt = performance.now();
    // Out of sight no picture is unpacked: phones have better to do.
    const picture = jpeg && this.visible ? await createImageBitmap(jpeg).catch(() => null) : null;
    // A picture takes a moment: meanwhile a newer frame may have come.
    if (this.frame && this.frame.generation === frame.generation && this.frame.number > frame.number) {
      picture?.close();
      return;
    }
    this.picture?.close();
    this.frame = frame;
    this.picture = picture;
    if (this.state === "waiting") this.state = "running";
    this.sayOver();
    this.ask();
  }

  /** How the camera fares; gives whether there is nobody to show. */
  fares(state) {
    this.state = state === "waiting" && this.frame ? "running" : state;
    this.sayOver();
    this.ask();
    return this.empty();
  }

  empty() {
    return this.state === "silent" || this.state === "ended";
  }

  /** What is shown may be old: then it says so. */
  sayOver() {
    const seconds = Math.round((performance.now() - this.shownAt) / 1000);
    const behind = this.frame ? Math.round(Date.now() / 1000 - this.frame.captured_at) : 0;
    let words = OVER[this.state];
    if (this.state === "silent" && !this.frame) words += " yet";
    if (this.state === "running" && seconds >= STALE_S) words = `No new frame for ${seconds} s`;
    // A recording has times of its own.
    if (this.state === "late" && seconds < STALE_S)
      words = behind > A_DAY_S ? "" : `This was ${behind} s ago: the fleet does not keep up`;
    setText(this.over, words);
    this.over.hidden = this.over.textContent === "";
    this.item.classList.toggle("old", !this.over.hidden);
  }

  ask() {
    if (this.asked || !this.visible) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      this.draw();
    });
  }

  draw() {
    const { canvas, frame } = this;
    const wide = frame ? frame.width / frame.height : 16 / 9;
    canvas.style.aspectRatio = `${wide}`;
    const width = Math.round(canvas.clientWidth * devicePixelRatio);
    const height = Math.round(width / wide);
    if (!width) return;
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    const context = canvas.getContext("2d");
    context.fillStyle = "#000";
    context.fillRect(0, 0, width, height);
    if (!frame) return;
    if (this.picture) context.drawImage(this.picture, 0, 0, width, height);
    if (this.empty()) return;
    const unit = devicePixelRatio * Math.max(1, canvas.clientWidth / 640);
    const scale = width / frame.width;
    // Who matters most is on top.
    const people = [...frame.people].sort((a, b) => (a.verdict?.score ?? -1) - (b.verdict?.score ?? -1));
    for (const person of people)
      drawPerson(context, person, this.bones, scale, unit, this.picture !== null);
    const taken = [];
    for (const person of people.reverse()) drawName(context, person, scale, unit, taken);
  }
}

function drawPerson(context, person, bones, scale, unit, onPicture) {
  const result = person.verdict?.result ?? null;
  const colour = result ? COLOURS[result] : NOT_JUDGED;
  const points = person.keypoints.map(([x, y, sure]) => [x * scale, y * scale, sure]);
  context.lineCap = "round";
  // On a bright picture the colours need something dark around them.
  const strokes = onPicture ? [["rgb(0 0 0 / 60%)", 5 * unit]] : [];
  for (const [ink, width] of [...strokes, [colour, 2.2 * unit]]) {
    context.strokeStyle = context.fillStyle = ink;
    context.lineWidth = width;
    for (const [from, to] of bones) {
      if (!NO_BONE.has(`${from}-${to}`)) drawBone(context, points[from], points[to], person.predicted, unit);
    }
    drawNeckAndHead(context, points, person.predicted, unit);
  }
  for (const [x, y, sure] of points.slice(5)) {
    if (sure < SURE || person.predicted) continue;
    context.beginPath();
    context.arc(x, y, 2.1 * unit, 0, 2 * Math.PI);
    context.fill();
  }
  drawBox(context, person, result, colour, scale, unit);
}

function drawBone(context, from, to, predicted, unit) {
  const sure = Math.min(from[2], to[2]);
  if (sure < LEAST) return;
  context.setLineDash(predicted || sure < SURE ? [3 * unit, 4 * unit] : []);
  context.beginPath();
  context.moveTo(from[0], from[1]);
  context.lineTo(to[0], to[1]);
  context.stroke();
  context.setLineDash([]);
}

function middle(points, joints) {
  const seen = joints.map((joint) => points[joint]).filter(([, , sure]) => sure >= LEAST);
  if (!seen.length) return null;
  return [0, 1, 2].map((part) => seen.reduce((sum, point) => sum + point[part], 0) / seen.length);
}

function drawNeckAndHead(context, points, predicted, unit) {
  const head = middle(points, HEAD);
  const neck = middle(points, SHOULDERS);
  const hips = middle(points, HIPS);
  if (!head || !neck) return;
  const torso = hips ? Math.hypot(neck[0] - hips[0], neck[1] - hips[1]) : 40 * unit;
  const radius = Math.max(3 * unit, 0.24 * torso);
  const apart = Math.hypot(head[0] - neck[0], head[1] - neck[1]);
  if (apart > radius) {
    const share = radius / apart;
    const chin = [head[0] + (neck[0] - head[0]) * share, head[1] + (neck[1] - head[1]) * share, head[2]];
    drawBone(context, chin, neck, predicted, unit);
  }
  context.setLineDash(predicted || head[2] < SURE ? [3 * unit, 4 * unit] : []);
  context.beginPath();
  context.arc(head[0], head[1], radius, 0, 2 * Math.PI);
  context.stroke();
  context.setLineDash([]);
}

function drawBox(context, person, result, colour, scale, unit) {
  const [left, top, right, bottom] = person.box.map((side) => side * scale);
  context.lineWidth = (result === "VIOLENCE" ? 2.5 : 1) * unit;
  context.globalAlpha = result === "VIOLENCE" ? 1 : 0.45;
  context.setLineDash(person.predicted ? [4 * unit, 5 * unit] : []);
  context.strokeRect(left, top, right - left, bottom - top);
  context.setLineDash([]);
  context.globalAlpha = 1;
}

function drawName(context, person, scale, unit, taken) {
  const [left, top] = person.box.map((side) => side * scale);
  const result = person.verdict?.result;
  const shape = result ? `${SHAPES[result]} ` : "";
  const text = `${shape}${short(person.track_id)}${result ? ` ${score(person.verdict.score)}` : ""}`;
  context.font = `600 ${Math.round(11 * unit)}px system-ui, sans-serif`;
  const height = 15 * unit;
  const width = context.measureText(text).width + 8 * unit;
  // Inside the picture, though the person is at its edge.
  const x = Math.min(Math.max(0, left), context.canvas.width - width);
  let y = Math.max(0, top - height);
  // Below the names that stand there already.
  const hit = () => taken.find((one) => Math.abs(one.y - y) < height && x < one.to && one.x < x + width);
  for (let tries = 0, other = hit(); other && tries < 5; tries += 1, other = hit()) y = other.y + height;
  taken.push({ x, y, to: x + width });
  context.fillStyle = "rgb(0 0 0 / 72%)";
  context.fillRect(x, y, width, height);
  context.fillStyle = result ? COLOURS[result] : NOT_JUDGED;
  context.fillText(text, x + 4 * unit, y + height - 4 * unit);
}
