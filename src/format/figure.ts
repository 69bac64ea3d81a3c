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

/** A setting of a run as it stands in its configuration; `–` when there is none. */
export const settingText = (value: unknown): string =>
  value === null || value === undefined ? UNKNOWN : typeof value === 'string' ? value : JSON.stringify(value);

/** `2014-02-06 BUY AAPL.US 120.00 @ 512.59` */
export const tradeText = (trade: {
  readonly date: string;
  readonly ticker: string;
  readonly direction: string;
  readonly size: number;
  readonly price: number;
}): string =>
  `${trade.date} ${trade.direction} ${trade.ticker} ${formatFixed(trade.size, 2)} @ ${formatFixed(trade.price, 2)}`;
