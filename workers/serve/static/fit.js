// How many tiles stand side by side.

const GAP = 12;
// What a tile has beside its picture: its head, its people; more of it where meters stand in two lines.
const BESIDE = 116;
const BESIDE_NARROW = 166;
const NARROW = 430;
const SMALLEST = 290;
const COMFORTABLE = 352;

/** The widest tiles of which all fit the window; where they would be too small, the page is scrolled. */
export function fit(wall, count) {
  if (!count) return;
  const width = wall.clientWidth;
  const height = innerHeight - wall.getBoundingClientRect().top - scrollY - GAP;
  let best = { columns: 1, wide: 0 };
  for (let columns = 1; columns <= count; columns += 1) {
    const wide = widest(columns, Math.ceil(count / columns), width, height);
    if (wide > best.wide) best = { columns, wide };
  }
  if (best.wide < SMALLEST) {
    const columns = Math.max(1, Math.min(count, Math.floor((width + GAP) / (COMFORTABLE + GAP))));
    best = { columns, wide: (width - GAP * (columns - 1)) / columns };
  }
  wall.style.gridTemplateColumns = `repeat(${best.columns}, ${Math.floor(best.wide)}px)`;
}

function widest(columns, rows, width, height) {
  const beside = (width - GAP * (columns - 1)) / columns;
  const below = (height - GAP * (rows - 1)) / rows;
  const wide = Math.min(beside, ((below - BESIDE) * 16) / 9);
  return wide >= NARROW ? wide : Math.min(beside, ((below - BESIDE_NARROW) * 16) / 9);
}
