// The clip and the snapshot of an incident, or why there are none.

import { element } from "./dom.js";
import { sentence, size } from "./words.js";

// Longer after its end no clip will come.
const PATIENCE_S = 180;
let shown = "";

/** Whether a clip may still come. */
export function waitsForClip(incident, files) {
  const there = files.some((file) => file.kind === "clip");
  const endedAt = incident.began_captured_at + incident.duration_s;
  return !there && (incident.state === "open" || Date.now() / 1000 - endedAt < PATIENCE_S);
}

/** Shows them. A clip that plays is not begun again by each change of the incident. */
export function showEvidence(place, files) {
  const now = JSON.stringify(files);
  if (now === shown) return;
  shown = now;
  const clip = files.find((file) => file.kind === "clip");
  const snapshot = files.find((file) => file.kind === "snapshot");
  const parts = files
    .filter((file) => !file.url && file.kind !== "tracks")
    .map((file) => element("p", { class: "quiet" }, `No ${file.kind}: ${sentence(file.note ?? "")}`));
  if (clip?.url) parts.unshift(video(clip, snapshot), download(clip));
  else if (snapshot?.url) parts.unshift(still(snapshot));
  const tracks = files.find((file) => file.kind === "tracks");
  if (tracks?.url) parts.push(download(tracks));
  const later = "No clip yet: it is made some seconds after the end.";
  if (!clip) parts.push(element("p", { class: "quiet" }, later));
  place.replaceChildren(...parts);
}

function video(clip, snapshot) {
  return element("video", {
    src: clip.url,
    controls: true,
    preload: "metadata",
    poster: snapshot?.url,
    playsinline: true,
    "aria-label": "Clip of the incident",
  });
}

function still(snapshot) {
  const alt = "The moment at which the incident was confirmed";
  return element("img", { class: "snapshot", src: snapshot.url, alt });
}

const WHAT = {
  clip: ["Download the clip", "MP4"],
  tracks: ["Download the recording", "for nexara replay"],
};

function download(file) {
  const [words, form] = WHAT[file.kind];
  const link = element("a", { href: file.url, download: true }, words);
  return element("p", {}, link, element("span", { class: "quiet" }, ` (${form}, ${size(file.bytes)})`));
}
