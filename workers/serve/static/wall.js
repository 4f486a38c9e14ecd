// The live wall: a tile for each camera.

import { get } from "./api.js";
import { byId, element, setText } from "./dom.js";
import { watch } from "./live.js";
import { People } from "./meter.js";
import { alarms, attempt, begin } from "./page.js";
import { View } from "./skeleton.js";
import { MEANINGS, SHAPES, STATES, score } from "./words.js";

const METERS_EVERY_MS = 200;
const METERS = 2;

/** One camera's tile. */
class Tile {
  constructor(camera) {
    const canvas = element("canvas", { class: "view", role: "img", "aria-label": `Skeletons of ${camera}` });
    const list = element("ul", { class: "people", "aria-label": `People of ${camera}` });
    this.state = element("span", { class: "badge waiting" }, STATES.waiting);
    this.scene = element("span");
    const link = element("a", { href: `/camera?camera=${encodeURIComponent(camera)}` }, camera);
    this.item = element(
      "article",
      { class: "tile" },
      element("header", {}, link, this.state),
      canvas,
      list,
      element("p", { class: "scene" }, this.scene),
    );
    this.view = new View(canvas);
    this.people = new People(list, METERS);
    this.open = new Set();
    this.metersAt = 0;
  }

  frame(frame, jpeg) {
    this.view.show(frame, jpeg);
    const now = performance.now();
    if (now - this.metersAt < METERS_EVERY_MS) return;
    this.metersAt = now;
    this.people.show(frame);
    setText(this.scene, frame.scene ? `${SHAPES[frame.scene.result]} scene ${score(frame.scene.score)}` : "");
  }

  fares(camera) {
    const fps = camera.state === "running" ? ` · ${camera.fps.toFixed(0)} fps` : "";
    setText(this.state, `${STATES[camera.state]}${fps}`);
    this.state.className = `badge ${camera.state}`;
    const quiet = camera.state === "silent" || camera.state === "ended";
    this.view.say(quiet ? STATES[camera.state] : "");
    if (quiet) this.people.clear();
  }

  incident(id, open) {
    if (open) this.open.add(id);
    else this.open.delete(id);
    this.item.classList.toggle("alarmed", this.open.size > 0);
  }
}

const tiles = new Map();
const who = await begin();

byId("legend").append(
  ...Object.entries(SHAPES).map(([result, shape]) =>
    element("span", { class: result }, `${shape} ${result.toLowerCase()}: ${MEANINGS[result]}`),
  ),
  element("span", { class: "quiet" }, "dashed: predicted, not seen"),
);

watch([], {
  ...alarms(who, (incident) =>
    tiles.get(incident.camera)?.incident(incident.incident_id, incident.change !== "end"),
  ),
  hello: (hello) => {
    for (const camera of hello.cameras) {
      if (!tiles.has(camera)) {
        tiles.set(camera, new Tile(camera));
        byId("wall").append(tiles.get(camera).item);
      }
      tiles.get(camera).view.bones = hello.bones;
    }
  },
  frame: (frame, jpeg) => tiles.get(frame.camera)?.frame(frame, jpeg),
  camera: (camera) => tiles.get(camera.camera)?.fares(camera),
});

await attempt(async () => {
  const { incidents } = await get("/api/v1/incidents?state=open&limit=500");
  for (const incident of incidents) tiles.get(incident.camera)?.incident(incident.incident_id, true);
});
