// Lines on top of the page that say what does not work, for as long as it is so.

import { byId, element, setText } from "./dom.js";

/** Makes the place for them, and for new incidents. */
export function makeRoom() {
  document.body.prepend(
    element("div", { class: "banners", id: "banners", role: "region", "aria-label": "News" }),
  );
}

/** Says something; "" takes it back. */
export function say(what, words) {
  const id = `news-${what}`;
  const there = byId(id);
  if (!words) there?.remove();
  else if (there) setText(there, words);
  else byId("banners").append(element("div", { class: "banner notice", id, role: "status" }, words));
}
