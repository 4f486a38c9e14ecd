// How numbers, times and results are written.

/** Shapes tell results apart where colours do not. */
export const SHAPES = { SAFE: "●", VETOED: "◆", VIOLENCE: "▲", UNSURE: "□" };
export const COLOURS = { SAFE: "#6cc7ff", VETOED: "#f2e35c", VIOLENCE: "#ff8a4c", UNSURE: "#b6bfcc" };
export const MEANINGS = {
  SAFE: "below the threshold",
  VETOED: "above the threshold, but a veto objects",
  VIOLENCE: "above the threshold, nobody objects",
  UNSURE: "it would be a guess",
};
const DOUBTS = {
  few_joints: "too few joints are seen",
  short: "not seen for long enough",
  small: "too small in the picture",
  churn: "people are mixed up too often",
};
export const STATES = {
  waiting: "no frame yet",
  running: "running",
  late: "late",
  silent: "no picture",
  ended: "ended",
};
/** What a camera's picture says over itself; of a running one nothing. */
export const OVER = {
  waiting: "Waits for its first frame",
  running: "",
  late: "Late: this is an old frame",
  silent: "No picture from the camera",
  ended: "The recording has ended",
};
export const LABELS = { true: "violence", false: "false alarm" };
export const ENDS = {
  quiet: "no more violence was seen",
  silent: "the camera gave no picture any more",
  source_ended: "the recording ended",
  merged: "it went on as another incident",
};
export const STAGES = {
  ingest: "takes pictures",
  pose: "finds people",
  classify: "judges what they do",
  incidents: "confirms incidents",
  archive: "keeps verdicts",
  history: "keeps incidents",
  evidence: "makes clips",
  alert: "tells receivers",
};

const DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";

/** A track id's last four letters, as in `nexara tail`. */
export function short(id) {
  let rest = id % 2 ** 20;
  let text = "";
  for (let i = 0; i < 4; i += 1) {
    text = DIGITS[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

export const score = (value) => (value === null || value === undefined ? "–" : value.toFixed(2));

/** What a result means, with what made it unsure. */
export function meaning(result, unsure = []) {
  const doubts = unsure.map((doubt) => DOUBTS[doubt] ?? doubt);
  return doubts.length ? `${MEANINGS[result]}: ${doubts.join(", ")}` : MEANINGS[result];
}

const day = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "2-digit" });
const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hour12: false,
});

/** Seconds since 1970 as a time of day; with the date unless it is today. */
export function when(seconds) {
  const date = new Date(1000 * seconds);
  const today = new Date().toDateString() === date.toDateString();
  return today ? clock.format(date) : `${day.format(date)}, ${clock.format(date)}`;
}

export const timeOfDay = (seconds) => clock.format(new Date(1000 * seconds));

/** A length of time in words. */
export function lasting(seconds) {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** Bytes in words. */
export function size(bytes) {
  const units = ["B", "KiB", "MiB", "GiB"];
  let power = 0;
  while (bytes >= 1024 && power < 3) {
    bytes /= 1024;
    power += 1;
  }
  return `${bytes.toFixed(power ? 1 : 0)} ${units[power]}`;
}

/** What a server says of a mistake, as a sentence. */
export function sentence(words) {
  const text = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

/** A count with its noun. */
export const many = (count, one, more = `${one}s`) => `${count} ${count === 1 ? one : more}`;
