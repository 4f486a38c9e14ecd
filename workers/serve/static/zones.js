// A camera's zones: drawn here, or fixed by the site file.

import { alarms } from "./alarms.js";
import { get, send } from "./api.js";
import { Board } from "./board.js";
import { byId, element, refill, setText } from "./dom.js";
import { NIGHTS, hoursFields } from "./hours.js";
import { watch } from "./live.js";
import { attempt, begin, entitle } from "./page.js";
import { View } from "./skeleton.js";
import { score } from "./words.js";

const KINDS = { include: "watched", exclude: "left out", mask: "masked" };
const RECTANGLE = [
  [0.3, 0.3],
  [0.7, 0.3],
  [0.7, 0.8],
  [0.3, 0.8],
];

const camera = new URLSearchParams(location.search).get("camera") ?? "";
const path = `/api/v1/cameras/${encodeURIComponent(camera)}/rules`;
const who = await begin();
const mayDraw = who.role === "admin";
setText(byId("name"), `Zones of ${camera}`);
entitle(`${camera} · zones`);
byId("back").href = `/camera?camera=${encodeURIComponent(camera)}`;
setText(byId("back"), camera);

const view = new View(camera);
byId("stage").append(view.item);
const board = new Board(view.item, mayDraw, { chosen: choose, changed, closed: () => draw(false) });
let rules = null;
let zones = [];
let chosen = -1;

for (const part of document.querySelectorAll(".admins")) part.hidden = !mayDraw;
for (const id of ["zone-name", "zone-kind", "remove", "more-hours", "shadow"]) byId(id).disabled = !mayDraw;
if (await load()) {
  byId("all").hidden = false;
  watch([camera], {
    ...alarms(who),
    hello: (hello) => (view.bones = hello.bones),
    frame: (frame, jpeg) => {
      view.show(frame, jpeg);
      board.fit(frame.width, frame.height);
    },
    camera: (fares) => view.fares(fares.state),
  });
}

byId("draw").addEventListener("click", () => (board.drawing ? draw(false) : add([], true)));
byId("rectangle").addEventListener("click", () => add(structuredClone(RECTANGLE), false));
byId("save").addEventListener("click", save);
byId("undo").addEventListener("click", load);
byId("remove").addEventListener("click", () => {
  zones.splice(chosen, 1);
  choose(-1);
  changed();
});
byId("more-hours").addEventListener("click", () => {
  zones[chosen].hours.push(NIGHTS);
  changed();
});
byId("zone-name").addEventListener("input", (event) => {
  zones[chosen].name = event.target.value;
  changed();
});
byId("zone-kind").addEventListener("change", (event) => {
  zones[chosen].kind = event.target.value;
  changed();
});
byId("shadow").addEventListener("change", changed);
document.addEventListener("keydown", (event) => {
  if (board.drawing && (event.key === "Enter" || event.key === "Escape")) draw(false);
});
addEventListener("beforeunload", (event) => !byId("save").disabled && event.preventDefault());

/** Shows what holds; gives whether there is such a camera. */
async function load() {
  const told = await attempt(() => get(path));
  if (!told) return false;
  take(told);
  return true;
}

function take(told) {
  rules = told;
  zones = structuredClone(told.zones);
  byId("shadow").value = told.drawn_shadow === null ? "" : String(told.drawn_shadow);
  const parts = [
    ["Violence from", told.primary_threshold],
    ["a veto objects below", told.veto_threshold],
    ["the whole scene from", told.scene_threshold],
  ].filter(([, at]) => at !== null);
  const says = parts.map(([words, at]) => `${words} ${score(at)}`).join(", ");
  setText(byId("thresholds"), says && `${says}. The site file says so.`);
  draw(false);
  choose(-1);
  unsaved(false);
}

function add(polygon, byHand) {
  const taken = new Set(zones.map((zone) => zone.name));
  let number = 1;
  while (taken.has(`zone ${number}`)) number += 1;
  zones.push({ name: `zone ${number}`, kind: "include", polygon, hours: [], drawn: true });
  choose(zones.length - 1);
  draw(byHand);
  changed();
}

/** Begins or ends drawing corner by corner. */
function draw(on) {
  board.draw(on);
  setText(byId("draw"), on ? "Finish the zone" : "Draw a zone");
  const how = "Press on the picture for each corner; on the first one again, or Enter, to finish.";
  setText(byId("hint"), on ? how : "");
}

function choose(index) {
  if (board.drawing) draw(false);
  chosen = index;
  showZones();
}

function changed() {
  setText(byId("saved"), "");
  unsaved(true);
  showZones();
}

function unsaved(is) {
  byId("save").disabled = byId("undo").disabled = !is;
}

function showZones() {
  board.show(zones, chosen);
  const none = element("li", { class: "quiet" }, "None: everybody counts, everywhere.");
  refill(byId("zones"), ...(zones.length ? zones.map(zoneItem) : [none]));
  const zone = zones[chosen];
  byId("chosen").hidden = !zone;
  if (!zone) return;
  const editable = mayDraw && zone.drawn;
  for (const id of ["zone-name", "zone-kind", "remove", "more-hours"]) byId(id).disabled = !editable;
  if (byId("zone-name").value !== zone.name) byId("zone-name").value = zone.name;
  byId("zone-kind").value = zone.kind;
  byId("hours").replaceChildren(...hoursFields(zone.hours, rules.timezone, editable, changed));
}

function zoneItem(zone, n) {
  const from = zone.drawn ? "" : " · from the site file";
  const when = zone.hours.length ? " · at certain hours" : "";
  return element(
    "li",
    {},
    element(
      "button",
      {
        type: "button",
        "aria-pressed": String(n === chosen),
        "data-key": `zone ${n}`,
        onclick: () => choose(n === chosen ? -1 : n),
      },
      element("span", {}, zone.name || "without a name"),
      element("span", { class: `small ${zone.kind}` }, `${KINDS[zone.kind]}${when}${from}`),
    ),
  );
}

async function save() {
  draw(false);
  const drawn = zones.filter((zone) => zone.drawn).map(({ drawn: _, ...zone }) => zone);
  const shadow = { "": null, true: true, false: false }[byId("shadow").value];
  const told = await attempt(() => send("PUT", path, { digest: rules.digest, zones: drawn, shadow }));
  if (!told) return;
  take(told);
  setText(byId("saved"), "Saved: it holds from the next frame on.");
}
