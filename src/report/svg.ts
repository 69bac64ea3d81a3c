/** Line charts over dates as inline SVG. */
import { niceTicks } from '../format/braille.ts';
import { parseDay } from '../platform/dates.ts';
import { type Html, html } from './html.ts';

export interface DatedSeries {
  readonly name: string;
  /** ISO dates, ascending, and a value for each; null is a gap. */
  readonly dates: readonly string[];
  readonly values: readonly (number | null)[];
}

const WIDTH = 900;
const HEIGHT = 240;
const LEFT = 70;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 24;
/** Lines are told apart by dashes too, not by colour alone. */
const DASHES = ['', '7 3', '2 3', '9 3 2 3'];

/** First days of years, or of months when there are few years, between two day numbers. */
function dateTicks(first: number, last: number): { day: number; label: string }[] {
  const year = (day: number) => new Date(day * 86_400_000).getUTCFullYear();
  const months = (last - first) / 30.4;
  const step = [1, 2, 3, 6, 12, 24, 60].find((one) => months / one <= 12) ?? 120;
  const ticks: { day: number; label: string }[] = [];
  for (let month = year(first) * 12; month <= year(last) * 12 + 11; month += step) {
    const day = Date.UTC(Math.floor(month / 12), month % 12, 1) / 86_400_000;
    const name = String(Math.floor(month / 12));
    if (day >= first && day <= last)
      ticks.push({ day, label: step >= 12 ? name : `${name}-${String((month % 12) + 1).padStart(2, '0')}` });
  }
  return ticks;
}

/**
 * The chart with its legend. @param format a value for the axis. @param include bounds that the axis must reach.
 */
export function dateChart(
  title: string,
  series: readonly DatedSeries[],
  {
    format,
    include = [],
    empty = 'no value to draw',
    lacking = 'no value',
  }: { format: (value: number) => string; include?: readonly number[]; empty?: string; lacking?: string },
): Html {
  const known = [...include];
  const days: number[] = [];
  for (const { dates, values } of series)
    values.forEach((value, k) => {
      if (value === null || !Number.isFinite(value)) return;
      known.push(value);
      days.push(parseDay(dates[k]));
    });
  if (days.length === 0) return html`<figure><figcaption>${title}</figcaption><p>${empty}</p></figure>`;
  const bounds = (list: readonly number[]): [number, number] => {
    const low = list.reduce((least, one) => Math.min(least, one), Number.POSITIVE_INFINITY);
    const high = list.reduce((most, one) => Math.max(most, one), Number.NEGATIVE_INFINITY);
    return low < high ? [low, high] : [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2];
  };
  const [low, high] = bounds(known);
  const [first, last] = bounds(days);
  const x = (day: number) => LEFT + ((day - first) / (last - first)) * (WIDTH - LEFT - RIGHT);
  const y = (value: number) => TOP + (1 - (value - low) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const at = (value: number) => value.toFixed(1);
  const rows = niceTicks(low, high, 5).map(
    (tick) =>
      html`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at(y(tick))}" y2="${at(y(tick))}"/><text x="${LEFT - 6}" y="${at(y(tick) + 4)}" text-anchor="end">${format(tick)}</text>`,
  );
  const columns = dateTicks(first, last).map(
    ({ day, label }) =>
      html`<line class="grid" x1="${at(x(day))}" x2="${at(x(day))}" y1="${TOP}" y2="${HEIGHT - BOTTOM}"/><text x="${at(x(day))}" y="${HEIGHT - 8}" text-anchor="middle">${label}</text>`,
  );
  const drawn = ({ values }: DatedSeries) => values.some((value) => value !== null && Number.isFinite(value));
  const lines = series.flatMap((one, s) => {
    const { dates, values, name } = one;
    return drawn(one)
      ? html`<path class="s${s % DASHES.length}" stroke-dasharray="${DASHES[s % DASHES.length]}" d="${pathOf(values, (k) => x(parseDay(dates[k])), y)}"><title>${name}</title></path>`
      : [];
  });
  const legend = series.map((one, s) =>
    drawn(one)
      ? html`<span><svg class="key" viewBox="0 0 30 8" aria-hidden="true"><path class="s${s % DASHES.length}" stroke-dasharray="${DASHES[s % DASHES.length]}" d="M0 4H30"/></svg> ${one.name}</span>`
      : html`<span>${one.name}: ${lacking}</span>`,
  );
  return html`<figure><figcaption>${title} <small>${legend}</small></figcaption><svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">${rows}${columns}${lines}</svg></figure>`;
}

/** `M`, `L` …; a gap begins anew, and a value between two gaps is a dot. */
export function pathOf(
  values: readonly (number | null)[],
  x: (index: number) => number,
  y: (value: number) => number,
): string {
  let path = '';
  let open = false;
  values.forEach((value, k) => {
    if (value === null || !Number.isFinite(value)) {
      open = false;
      return;
    }
    const point = `${x(k).toFixed(1)} ${y(value).toFixed(1)}`;
    const alone = !open && (values[k + 1] === null || values[k + 1] === undefined || !Number.isFinite(values[k + 1]));
    path += alone ? `M${point}h0.1` : `${open ? 'L' : 'M'}${point}`;
    open = true;
  });
  return path;
}
