// Incidents, found by what is known of them. The address holds the filters, so that it can be passed on.

import { alarms } from "./alarms.js";
import { get } from "./api.js";
import { byId, element, refill } from "./dom.js";
import { add, incidentTable } from "./list.js";
import { watch } from "./live.js";
import { attempt, begin } from "./page.js";

// The archive stores an incident a moment after it was told.
const STORED_MS = 2500;
const form = byId("filters");
const who = await begin();
let shown = null;
let next = null;
let paged = false;

await attempt(async () => {
  const cameras = await get("/api/v1/cameras");
  form.elements.camera.append(...cameras.map(({ camera }) => element("option", {}, camera)));
});
for (const [name, value] of new URLSearchParams(location.search)) {
  const field = form.elements.namedItem(name);
  if (field) field.value = value;
}
byId("which").open = filled().length > 0 || matchMedia("(min-width: 601px)").matches;
form.addEventListener("submit", (event) => {
  event.preventDefault();
  history.replaceState(null, "", `?${new URLSearchParams(filled())}`);
  find();
});
byId("more").addEventListener("click", () => find(next));
byId("again").addEventListener("click", () => find());
await find();
watch(
  [],
  alarms(who, (incident) => incident.change !== "update" && setTimeout(news, STORED_MS)),
  false,
);

/** Who has gone on to older ones is not thrown back to the newest. */
function news() {
  if (paged) byId("fresh").hidden = false;
  else find();
}

/** The fields that somebody filled in, as they are written. */
function filled() {
  return [...new FormData(form)].filter(([, value]) => value !== "");
}

/** The same for the API: times as seconds since 1970. */
function wanted() {
  return filled().map(([name, value]) =>
    name === "since" || name === "until" ? [name, new Date(value).getTime() / 1000] : [name, value],
  );
}

async function find(after = null) {
  const query = new URLSearchParams(wanted());
  for (const format of ["csv", "jsonl"])
    byId(format).href = `/api/v1/incidents/export?${query}&format=${format}`;
  if (after) query.append("after", after);
  const told = await attempt(() => get(`/api/v1/incidents?${query}`));
  if (!told) return;
  next = told.next;
  byId("more").hidden = !next;
  paged = after !== null;
  if (paged) {
    add(shown, told.incidents);
    return;
  }
  byId("fresh").hidden = true;
  shown = told.incidents.length ? incidentTable(told.incidents) : null;
  const none = filled().length ? "No incident is like that." : "There were no incidents yet.";
  refill(byId("incidents"), shown ?? element("p", { class: "quiet" }, none));
}
