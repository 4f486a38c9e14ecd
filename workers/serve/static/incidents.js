// Incidents, found by what is known of them. The address holds the filters, so that it can be passed on.

import { get } from "./api.js";
import { byId, element } from "./dom.js";
import { add, table } from "./list.js";
import { watch } from "./live.js";
import { alarms, attempt, begin } from "./page.js";

const form = byId("filters");
const who = await begin();
let shown = null;
let next = null;

await attempt(async () => {
  const cameras = await get("/api/v1/cameras");
  form.elements.camera.append(...cameras.map(({ camera }) => element("option", {}, camera)));
});
for (const [name, value] of new URLSearchParams(location.search)) {
  const field = form.elements.namedItem(name);
  if (field) field.value = value;
}
form.addEventListener("submit", (event) => {
  event.preventDefault();
  history.replaceState(null, "", `?${new URLSearchParams(filled())}`);
  find();
});
byId("more").addEventListener("click", () => find(next));
await find();
watch(
  [],
  alarms(who, (incident) => incident.change !== "update" && find()),
  false,
);

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
  if (after && shown) {
    add(shown, told.incidents);
    return;
  }
  shown = told.incidents.length ? table(told.incidents) : null;
  byId("incidents").replaceChildren(shown ?? element("p", { class: "quiet" }, "No incident is like that."));
}
