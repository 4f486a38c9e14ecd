// When a zone counts: parts of the week by the site's clock.

import { element } from "./dom.js";

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const NAMES = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** Hours to begin with: the nights. */
export function nights() {
  return { days: [...DAYS], start: "22:00:00", end: "06:00:00" };
}

/** Fields for hours, which they change; `changed` is told. */
export function hoursFields(hours, timezone, mayDraw, changed) {
  if (!hours.length) return [element("p", { class: "quiet small" }, "Always.")];
  const clock = element("p", { class: "quiet small" }, `By the site's clock: ${timezone}.`);
  return [...hours.map((span, n) => fieldset(hours, span, n, mayDraw, changed)), clock];
}

function fieldset(hours, span, n, mayDraw, changed) {
  const days = DAYS.map((day, i) => {
    const box = element("input", {
      type: "checkbox",
      checked: span.days.includes(day),
      onchange: () => {
        span.days = DAYS.filter((one) => (one === day ? box.checked : span.days.includes(one)));
        changed();
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
        value: span[key].slice(0, 5),
        onchange: (event) => {
          span[key] = `${event.target.value || "00:00"}:00`;
          changed();
        },
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
