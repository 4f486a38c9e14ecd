// Elements are made from text, never from markup: what people write stays text.

/** An element; children that are no elements become text. `on...` properties are listeners. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "class") made.className = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

/** The element of that id. */
export const byId = (id) => document.getElementById(id);

/** Changes a text only where it differs: less work, and screen readers stay calm. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** Puts something new in an element's place; whoever stood there with the keyboard stays there. */
export function refill(target, ...children) {
  const held = target.contains(document.activeElement) ? document.activeElement : null;
  const key = held && held.getAttribute("data-key");
  target.replaceChildren(...children);
  if (key) target.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}

/** Pairs of a name and what it is, as the children of a <dl>. */
export function facts(pairs) {
  return pairs.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]);
}

/** A table; on a phone each row is a card. `rows` are lists of cells, as many as there are heads. */
export function table(heads, rows) {
  const head = heads.map((name) => element("th", { scope: "col" }, name));
  const cell = (child, i) => element("td", { "data-name": heads[i] }, child);
  return element(
    "table",
    { class: "cards" },
    element("thead", {}, element("tr", {}, head)),
    element(
      "tbody",
      {},
      rows.map((row) => element("tr", {}, row.map(cell))),
    ),
  );
}

/** A path of this site, whatever an address asks for. */
export function ownPath(wanted) {
  try {
    const url = new URL(wanted ?? "/", location.origin);
    return url.origin === location.origin ? url.pathname + url.search : "/";
  } catch {
    return "/";
  }
}
