// Polygons over a picture, moved by pointer or by keys. Corners are shares of the picture's sides.

import { setText } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const STEP = 0.01;
const LONG_STEP = 0.05;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Zones on a picture.
 *
 * @param {HTMLElement} host holds the picture; the zones come over it
 * @param {boolean} mayDraw whether this person may change what was drawn
 * @param {object} listen `chosen(index)` a zone was chosen, `changed()` a corner has moved
 */
export class Board {
  constructor(host, mayDraw, listen) {
    this.host = host;
    this.mayDraw = mayDraw;
    this.listen = listen;
    this.zones = [];
    this.chosen = -1;
    this.drawing = false;
    this.size = [1600, 900];
    this.svg = make("svg", { role: "group", "aria-label": "Zones" });
    host.append(this.svg);
    this.svg.addEventListener("pointerdown", (event) => this.press(event));
    new ResizeObserver(() => this.paint()).observe(host);
  }

  /** Shows zones, of which one is chosen; -1 for none. */
  show(zones, chosen) {
    this.zones = zones;
    this.chosen = chosen;
    this.paint();
  }

  /** The picture's size in its own pixels. */
  fit(width, height) {
    if (this.size[0] === width && this.size[1] === height) return;
    this.size = [width, height];
    this.paint();
  }

  /** From now on each press adds a corner to the chosen zone, until `drawing` ends. */
  draw(on) {
    this.drawing = on;
    this.host.classList.toggle("drawing", on);
    this.paint();
  }

  get editable() {
    const zone = this.zones[this.chosen];
    return this.mayDraw && zone && zone.drawn ? zone : null;
  }

  /** How many units of the drawing are so many pixels of the screen. */
  units(pixels) {
    return (pixels * this.size[0]) / Math.max(1, this.svg.clientWidth);
  }

  paint() {
    // A drag goes on while its corner stays the same element.
    if (this.dragged) {
      this.repaint();
      return;
    }
    const focused = this.svg.contains(document.activeElement)
      ? document.activeElement.dataset.corner
      : undefined;
    this.svg.setAttribute("viewBox", `0 0 ${this.size[0]} ${this.size[1]}`);
    this.svg.replaceChildren(...this.zones.map((zone, n) => this.area(zone, n)));
    this.zones.forEach((zone) => this.svg.append(this.title(zone)));
    if (this.editable) this.handles(this.editable);
    if (focused !== undefined) this.svg.querySelector(`[data-corner="${focused}"]`)?.focus();
  }

  repaint() {
    const zone = this.editable;
    this.svg.querySelectorAll(".zone")[this.chosen].setAttribute("points", this.points(zone));
    this.svg.querySelectorAll(".corner").forEach((corner, n) => this.place(corner, zone.polygon[n]));
    this.svg.querySelectorAll(".between").forEach((handle, n) => this.place(handle, middle(zone.polygon, n)));
  }

  area(zone, n) {
    const chosen = n === this.chosen ? " chosen" : "";
    const shape = make(this.drawing && chosen ? "polyline" : "polygon", {
      points: this.points(zone),
      class: `zone ${zone.kind}${chosen}${zone.drawn ? "" : " fixed"}`,
    });
    shape.addEventListener("pointerdown", (event) => {
      if (this.drawing) return;
      event.stopPropagation();
      this.listen.chosen(n);
    });
    return shape;
  }

  title(zone) {
    if (!zone.polygon.length) return make("g");
    const [x, y] = zone.polygon.reduce((top, corner) => (corner[1] < top[1] ? corner : top));
    const size = this.units(14);
    const text = make("text", {
      x: Math.min(x * this.size[0] + size / 2, this.size[0] - 6 * size),
      y: y * this.size[1] + 1.4 * size,
      "font-size": size,
      class: "zone-name",
    });
    setText(text, zone.name);
    return text;
  }

  handles(zone) {
    if (!this.drawing) {
      zone.polygon.forEach((_, n) => {
        const handle = make("circle", { class: "between", r: this.units(6) });
        this.place(handle, middle(zone.polygon, n));
        handle.addEventListener("pointerdown", (event) => {
          zone.polygon.splice(n + 1, 0, middle(zone.polygon, n));
          this.paint();
          this.grab(event, n + 1);
        });
        this.svg.append(handle);
      });
    }
    zone.polygon.forEach((corner, n) => this.svg.append(this.corner(zone, corner, n)));
  }

  corner(zone, corner, n) {
    const made = make("circle", {
      class: "corner",
      r: this.units(9),
      tabindex: 0,
      role: "button",
      "data-corner": n,
    });
    this.place(made, corner);
    this.name(made, zone, n);
    made.addEventListener("pointerdown", (event) => {
      if (this.drawing && n === 0 && zone.polygon.length > 2) {
        event.stopPropagation();
        this.listen.closed();
      } else if (!this.drawing) this.grab(event, n);
    });
    made.addEventListener("keydown", (event) => this.key(event, zone, n));
    return made;
  }

  name(corner, zone, n) {
    const [x, y] = zone.polygon[n].map((share) => Math.round(100 * share));
    const keys = "arrows move it, Delete removes it";
    corner.setAttribute("aria-label", `Corner ${n + 1} of ${zone.name}, at ${x} %, ${y} %: ${keys}`);
  }

  key(event, zone, n) {
    const arrow = ARROWS[event.key];
    if (arrow) {
      const step = event.shiftKey ? LONG_STEP : STEP;
      zone.polygon[n] = zone.polygon[n].map((share, axis) => inside(share + step * arrow[axis]));
    } else if ((event.key === "Delete" || event.key === "Backspace") && zone.polygon.length > 3) {
      zone.polygon.splice(n, 1);
    } else return;
    event.preventDefault();
    this.paint();
    this.listen.changed();
  }

  press(event) {
    const zone = this.editable;
    if (!this.drawing || !zone || event.button !== 0) return;
    zone.polygon.push(this.at(event));
    this.paint();
    this.listen.changed();
  }

  grab(event, n) {
    if (event.button !== 0) return;
    event.stopPropagation();
    event.preventDefault();
    const zone = this.editable;
    this.svg.querySelector(`[data-corner="${n}"]`)?.focus();
    this.dragged = true;
    this.svg.setPointerCapture(event.pointerId);
    const move = (moved) => {
      zone.polygon[n] = this.at(moved);
      this.paint();
    };
    const drop = () => {
      this.svg.removeEventListener("pointermove", move);
      this.dragged = false;
      this.paint();
      this.listen.changed();
    };
    this.svg.addEventListener("pointermove", move);
    for (const end of ["pointerup", "pointercancel"]) this.svg.addEventListener(end, drop, { once: true });
  }

  at(event) {
    const box = this.svg.getBoundingClientRect();
    return [inside((event.clientX - box.left) / box.width), inside((event.clientY - box.top) / box.height)];
  }

  points(zone) {
    return zone.polygon.map(([x, y]) => `${x * this.size[0]},${y * this.size[1]}`).join(" ");
  }

  place(circle, [x, y]) {
    circle.setAttribute("cx", x * this.size[0]);
    circle.setAttribute("cy", y * this.size[1]);
  }
}

function middle(polygon, n) {
  const next = polygon[(n + 1) % polygon.length];
  return [(polygon[n][0] + next[0]) / 2, (polygon[n][1] + next[1]) / 2];
}

/** A share of a side, to a thousandth: no eye sees more. */
function inside(share) {
  return Math.round(1000 * Math.min(1, Math.max(0, share))) / 1000;
}

function make(name, attributes = {}) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
