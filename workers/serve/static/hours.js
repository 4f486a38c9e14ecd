// When a zone counts: parts of the week by the site's clock.

import { element } from "./dom.js";

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const NAMES = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** Hours to begin with: the nights. */
export const NIGHTS = "daily 22:00-06:00";

/** The days and times of `mon-fri 18:00-07:00`. */
function parsed(hours) {
  const [days, times] = hours.split(" ");
  const [start, end] = times.split("-");
  const named = days === "daily" ? DAYS : days.split(",").flatMap(daysOf);
  return { days: DAYS.filter((day) => named.includes(day)), start, end: end === "24:00" ? "00:00" : end };
}

function daysOf(part) {
  const [first, last] = part.split("-").map((day) => DAYS.indexOf(day));
  if (last === undefined) return [DAYS[first]];
  return DAYS.map((_, n) => DAYS[(first + n) % 7]).slice(0, ((last - first + 7) % 7) + 1);
}

function written({ days, start, end }) {
  return `${days.length === DAYS.length ? "daily" : days.join(",")} ${start}-${end}`;
}

/** Fields for hours, which they change; `changed` is told. */
export function hoursFields(hours, timezone, mayDraw, changed) {
  if (!hours.length) return [element("p", { class: "quiet small" }, "Always.")];
  const clock = element("p", { class: "quiet small" }, `By the site's clock: ${timezone}.`);
  return [...hours.map((text, n) => fieldset(hours, text, n, mayDraw, changed)), clock];
}

function fieldset(hours, text, n, mayDraw, changed) {
  const span = parsed(text);
  const change = (part) => {
    hours[n] = written({ ...span, ...part });
    changed();
  };
  const days = DAYS.map((day, i) => {
    const box = element("input", {
      type: "checkbox",
      checked: span.days.includes(day),
      onchange: () => {
        const kept = DAYS.filter((one) => (one === day ? box.checked : span.days.includes(one)));
        // Hours of no day are none: the last day stays.
        if (kept.length) change({ days: kept });
        else box.checked = true;
      },
    });
    return element("label", {}, box, NAMES[i]);
  });
  const clock = (words, key) =>
    element(
      "label",
      {},
      words,
      element("input", {
        type: "time",
        value: span[key],
        onchange: (event) => change({ [key]: event.target.value || "00:00" }),
      }),
    );
  const remove = element(
    "button",
    {
      type: "button",
      class: "slim",
      "aria-label": `Remove these hours (${n + 1})`,
      onclick: () => {
        hours.splice(n, 1);
        changed();
      },
    },
    "Remove",
  );
  return element(
    "fieldset",
    { class: "span", disabled: !mayDraw },
    element("legend", { class: "unseen" }, `Hours ${n + 1}`),
    element("div", { class: "days" }, days),
    clock("from", "start"),
    clock("to", "end"),
    remove,
  );
}
