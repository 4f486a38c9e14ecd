// What every page has: the head, and what it says of things that do not work.

import { me } from "./api.js";
import { noticeSwitch, soundSwitch } from "./attention.js";
import { makeRoom, say } from "./banners.js";
import { byId, element, setText } from "./dom.js";

const PAGES = [
  ["/", "Live"],
  ["/incidents", "Incidents"],
  ["/system", "System"],
  ["/people", "People", "admin"],
  ["/account", "Account"],
];
const AGAIN_MS = 3000;
const title = { words: "", site: "", unseen: 0 };

/** Builds the head; gives who is logged in, as soon as somebody knows. */
export async function begin() {
  makeRoom();
  const who = await knownAtLast();
  const links = PAGES.filter(([, , role]) => !role || role === who.role).map(([path, name]) =>
    element("a", { href: path, "aria-current": location.pathname === path ? "page" : null }, name),
  );
  document.body.prepend(
    element("a", { class: "skip", href: "#main" }, "To the contents"),
    element(
      "header",
      { class: "head" },
      element(
        "a",
        { class: "brand", href: "/" },
        element("img", { src: "/static/icon.svg", alt: "", width: 28, height: 28 }),
        who.site,
      ),
      element("nav", { "aria-label": "Pages" }, links),
      element("div", { class: "tools" }, soundSwitch(), noticeSwitch()),
    ),
  );
  title.site = who.site;
  entitle(document.title);
  return who;
}

/** Names this page, in the browser's tab. */
export function entitle(words) {
  title.words = words;
  const unseen = title.unseen ? `▲ ${title.unseen} · ` : "";
  document.title = `${unseen}${title.words} · ${title.site}`;
}

/** How many new incidents stand there: the tab says it, too. */
export function countUnseen(count) {
  title.unseen = count;
  entitle(title.words);
}

/** Runs something that may fail, and says why it did. */
export async function attempt(action, problem = byId("problem")) {
  try {
    const done = await action();
    if (problem) setText(problem, "");
    return done;
  } catch (error) {
    if (problem) setText(problem, error.message);
    else say("trouble", error.message);
    return undefined;
  }
}

async function knownAtLast() {
  for (;;) {
    try {
      const who = await me();
      say("unknown", "");
      return who;
    } catch (error) {
      say("unknown", `${error.message} Trying again …`);
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}
