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
export const STATES = {
  waiting: "waits for its first frame",
  running: "running",
  late: "late",
  silent: "no picture",
  ended: "ended",
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
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
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
