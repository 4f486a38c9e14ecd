// One camera's tile on the wall: its picture, its people, how it fares.

import { element, setText } from "./dom.js";
import { People } from "./meter.js";
import { View } from "./skeleton.js";
import { SHAPES, STATES, score } from "./words.js";

const METERS_EVERY_MS = 200;
const METERS = 2;

/** A tile for a camera. */
export class Tile {
  constructor(camera) {
    const list = element("ul", { class: "people", "aria-label": `People of ${camera}` });
    const link = element("a", { href: `/camera?camera=${encodeURIComponent(camera)}` }, camera);
    this.view = new View(camera);
    const more = element("span", { class: "more" });
    this.people = new People(list, METERS, more);
    this.state = element("span", { class: "badge waiting" }, STATES.waiting);
    this.alarm = element("span", { class: "badge VIOLENCE", hidden: true }, `${SHAPES.VIOLENCE} incident`);
    this.scene = element("span");
    this.item = element(
      "article",
      { class: "tile" },
      element("header", {}, link, this.alarm, this.state),
      this.view.item,
      list,
      element("p", { class: "scene" }, this.scene, more),
    );
    this.open = new Set();
    this.newest = null;
    this.soon = null;
  }

  frame(frame, jpeg) {
    this.view.show(frame, jpeg);
    this.newest = frame;
    // Nobody reads meters ten times a second; but the last frame's must not be missed.
    this.soon ??= setTimeout(() => this.showMeters(), METERS_EVERY_MS);
  }

  showMeters() {
    this.soon = null;
    if (this.view.empty()) return;
    this.people.show(this.newest);
    const { scene } = this.newest;
    setText(this.scene, scene ? `${SHAPES[scene.result]} scene ${score(scene.score)}` : "");
  }

  fares(camera) {
    const fps = camera.state === "running" ? ` · ${camera.fps.toFixed(0)} fps` : "";
    setText(this.state, `${STATES[camera.state]}${fps}`);
    this.state.className = `badge ${camera.state}`;
    if (this.view.fares(camera.state)) this.people.clear();
  }

  /** An incident of this camera goes on, or has ended. */
  incident(id, goesOn) {
    if (goesOn) this.open.add(id);
    else this.open.delete(id);
    this.mark();
  }

  /** Those that go on, and no others. */
  goOn(ids) {
    this.open = new Set(ids);
    this.mark();
  }

  mark() {
    this.item.classList.toggle("alarmed", this.open.size > 0);
    this.alarm.hidden = this.open.size === 0;
  }
}
