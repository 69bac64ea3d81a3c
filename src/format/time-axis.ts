/** Words for an axis of time. All times are UTC. */
import type { Tick } from './braille.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Steps that people count in. */
const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 28].map((n) => n * DAY),
];
/** A label, and room on both sides. */
const LABEL_CELLS = 14;

/** An instant as finely as a span of time needs: `14:22:07`, `14:22`, `12-08 14:22`, `2025-12-08`. */
export function timeLabel(at: number, spanMs: number): string {
  const text = new Date(at).toISOString();
  if (spanMs < 10 * MINUTE) return text.slice(11, 19);
  if (spanMs < DAY) return text.slice(11, 16);
  return spanMs < 28 * DAY ? text.slice(5, 16).replace('T', ' ') : text.slice(0, 10);
}

/** Round moments between two (milliseconds since 1970), as many as `cells` have room for. */
export function timeTicks(from: number, to: number, cells: number): Tick[] {
  const span = to - from;
  const most = Math.floor(cells / LABEL_CELLS);
  if (!(span > 0) || most < 1) return [];
  const step = STEPS.find((one) => span / one <= most) ?? Math.ceil(span / most / DAY) * DAY;
  const ticks: Tick[] = [];
  for (let at = Math.ceil(from / step) * step; at < to; at += step)
    ticks.push({ share: (at - from) / span, label: timeLabel(at, span) });
  return ticks;
}
