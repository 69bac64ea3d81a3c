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

/** How much of a run a context backend reached, as shares, and its head's information coefficient; null: another backend. */
interface ContextFacts {
  readonly contextCoverage: number | null;
  readonly contextBranches: Readonly<Record<string, number>> | null;
  readonly contextIc: number | null;
  readonly contextNotJudged: string | null;
}

/** What the context backend of a run had to go by; empty for other backends. */
export function contextWords(facts: ContextFacts): string {
  const { contextCoverage, contextBranches } = facts;
  if (contextCoverage === null) return '';
  const branches = Object.entries(contextBranches ?? {}).map(([name, share]) => `${name} ${formatPercent(share, 1)}`);
  const of = branches.length ? ` (${branches.join(', ')})` : '';
  return `context for ${formatPercent(contextCoverage, 1)} of days and instruments with 63 days of prices${of}${headWords(facts)}`;
}

function headWords({ contextIc, contextNotJudged }: ContextFacts): string {
  if (contextIc === null) return '';
  if (contextIc !== 0) return `, IC ${formatFixed(contextIc, 3)}`;
  return contextNotJudged === null
    ? ', its head says 0 of every name'
    : `, its head was not judged (${contextNotJudged}) and says 0 of every name`;
}
