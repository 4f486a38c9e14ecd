// The live wall: a tile for each camera, as large as all of them fit the window.

import { alarms } from "./alarms.js";
import { get } from "./api.js";
import { byId, element } from "./dom.js";
import { fit } from "./fit.js";
import { watch } from "./live.js";
import { attempt, begin } from "./page.js";
import { Recent } from "./recent.js";
import { Tile } from "./tile.js";
import { MEANINGS, SHAPES } from "./words.js";

const tiles = new Map();
const who = await begin();
const recent = new Recent(byId("recent"));

byId("legend").append(
  ...Object.entries(SHAPES).map(([result, shape]) =>
    element("li", {}, element("b", { class: result }, `${shape} ${result.toLowerCase()}`), MEANINGS[result]),
  ),
  element("li", {}, element("b", {}, "┆ dashed"), "predicted: not seen in this frame"),
  element("li", {}, element("b", {}, "│ mark"), "on a meter: its threshold"),
);

const listeners = alarms(who, (incident) => {
  tiles.get(incident.camera)?.incident(incident.incident_id, incident.change !== "end");
  recent.push(incident);
});
watch([], {
  ...listeners,
  hello: (hello) => {
    for (const camera of hello.cameras) {
      if (!tiles.has(camera)) {
        tiles.set(camera, new Tile(camera));
        byId("wall").append(tiles.get(camera).item);
      }
      tiles.get(camera).view.bones = hello.bones;
    }
    fit(byId("wall"), tiles.size);
    // What ended while nobody listened was not told.
    showOpen();
    recent.load();
  },
  frame: (frame, jpeg) => tiles.get(frame.camera)?.frame(frame, jpeg),
  camera: (camera) => tiles.get(camera.camera)?.fares(camera),
});
// A banner takes room, too.
for (const changes of [document.documentElement, document.querySelector(".banners")])
  new ResizeObserver(() => fit(byId("wall"), tiles.size)).observe(changes);

async function showOpen() {
  const told = await attempt(() => get("/api/v1/incidents?state=open&limit=500"));
  if (!told) return;
  for (const [camera, tile] of tiles)
    tile.goOn(told.incidents.filter((one) => one.camera === camera).map((one) => one.incident_id));
}
