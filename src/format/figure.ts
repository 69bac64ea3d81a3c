/** A figure of a run as text, in its unit. */
import { formatFixed, formatPercent, UNKNOWN } from './numbers.ts';

/** `share` is shown as per cent, `bp` are basis points. */
export type FigureUnit = 'share' | 'ratio' | 'count' | 'bp';

/** The figure; `–` when it is not known. */
export function figureText(value: number | null, unit: FigureUnit, sign = false): string {
  if (value === null) return UNKNOWN;
  if (unit === 'share') return formatPercent(value, 2, sign);
  const plus = sign && value > 0 ? '+' : '';
  return plus + formatFixed(value, unit === 'bp' || unit === 'count' ? 1 : 3);
}

/** `-0.42 … +0.31`; `–` without an interval. */
export const intervalText = (interval: readonly [number, number] | null | undefined, unit: FigureUnit): string =>
  interval ? interval.map((end) => figureText(end, unit, true)).join(' … ') : UNKNOWN;
