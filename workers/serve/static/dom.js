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

/** A path of this site, whatever an address asks for. */
export function ownPath(wanted) {
  try {
    const url = new URL(wanted ?? "/", location.origin);
    return url.origin === location.origin ? url.pathname + url.search : "/";
  } catch {
    return "/";
  }
}
