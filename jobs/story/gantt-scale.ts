/** Steps between the ticks of an axis, in seconds, as people count time. */
const niceSeconds = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400];

/** Chooses moments for an axis (milliseconds since 1970), at most `most`, on round figures of the clock. Pure. */
export function ticksOf(from: number, to: number, most: number): number[] {
  const seconds = (to - from) / 1000;
  const step = (niceSeconds.find((nice) => seconds / nice <= most) ?? Math.ceil(seconds / most)) * 1000;
  const first = Math.ceil(from / step) * step;
  const count = Math.max(0, Math.floor((to - first) / step) + 1);
  return Array.from({ length: count }, (_, index) => first + index * step);
}

/** Stands for something that is written beside others; `x` and `width` in the same unit. */
export type Placed<T> = { item: T; x: number; width: number; lane: number };

/** Places what would overlap in lanes one below the other; each takes the first lane in which it fits. Pure. */
export function inLanes<T>(items: readonly { item: T; x: number; width: number }[], gap: number): Placed<T>[] {
  const ends: number[] = [];
  return items
    .toSorted((left, right) => left.x - right.x)
    .map((one) => {
      const found = ends.findIndex((end) => end + gap <= one.x);
      const lane = found < 0 ? ends.length : found;
      ends[lane] = one.x + one.width;
      return { ...one, lane };
    });
}

/** About how wide a text is drawn in DejaVu Sans, in the unit of `size`; rather too wide than too narrow. */
export const widthOf = (text: string, size: number, bold = false): number => text.length * size * (bold ? 0.68 : 0.61);

/** Cuts a text to what fits. */
export function fit(text: string, width: number, size: number, bold = false): string {
  const most = Math.floor(width / widthOf("x", size, bold));
  return text.length <= most ? text : `${text.slice(0, Math.max(0, most - 1)).trimEnd()}…`;
}

/** The time of day in UTC, to the second. */
export const clockOf = (at: number): string => new Date(at).toISOString().slice(11, 19);
