// The fleet: who works, what is behind, what was dropped.

import { get } from "./api.js";
import { byId, element } from "./dom.js";
import { watch } from "./live.js";
import { alarms, attempt, begin } from "./page.js";
import { STATES, size, timeOfDay } from "./words.js";

const AGAIN_MS = 3000;
const who = await begin();
await show();
setInterval(() => !document.hidden && show(), AGAIN_MS);
watch([], alarms(who), false);

async function show() {
  const system = await attempt(() => get("/api/v1/system"));
  if (!system) return;
  const limit = system.memory_limit_bytes;
  const memory = limit
    ? `${size(system.memory_bytes)} of ${size(limit)} (${Math.round((100 * system.memory_bytes) / limit)}%)`
    : size(system.memory_bytes);
  facts("server", [
    ["Site", system.site],
    ["Version", system.version],
    ["Seen at", timeOfDay(system.at)],
    ["Redis memory", memory],
  ]);
  facts(
    "workers",
    Object.entries(system.workers).map(([stage, names]) => [
      stage,
      names.length ? names.join(", ") : "nobody",
    ]),
  );
  const heads = ["Camera", "State", "fps", "Behind", "Dropped", "Dead", "Without owner"];
  byId("cameras").replaceChildren(
    element(
      "table",
      {},
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          heads.map((head) => element("th", { scope: "col" }, head)),
        ),
      ),
      element("tbody", {}, system.cameras.map(row)),
    ),
  );
}

/** Counts that are not 0, each with its name. */
function counts(named) {
  const some = Object.entries(named).filter(([, count]) => count);
  return some.length ? some.map(([name, count]) => `${name} ${count}`).join(", ") : "0";
}

function row(camera) {
  const free = Object.entries(camera.owners)
    .filter(([, name]) => !name)
    .map(([stage]) => stage);
  return element(
    "tr",
    {},
    element(
      "td",
      {},
      element("a", { href: `/camera?camera=${encodeURIComponent(camera.camera)}` }, camera.camera),
    ),
    element("td", {}, element("span", { class: `badge ${camera.state}` }, STATES[camera.state])),
    element("td", { class: "numbers" }, camera.fps.toFixed(1)),
    element("td", { class: "numbers" }, counts(camera.lags)),
    element("td", { class: "numbers" }, counts(camera.dropped)),
    element("td", { class: "numbers" }, String(camera.dead)),
    element("td", {}, free.length ? free.join(", ") : "–"),
  );
}

function facts(id, pairs) {
  byId(id).replaceChildren(
    ...pairs.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
  );
}
