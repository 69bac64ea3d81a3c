/** Returns out of daily equity. Pure. Values that are missing or not positive are passed over. */

type Equity = readonly (number | null)[];

const usable = (value: number | null | undefined): value is number => typeof value === 'number' && value > 0;

/** Returns of calendar months (`2014-01`) of ISO dates; the first month counts from the first day's value. */
export function monthlyReturns(days: readonly string[], equity: Equity): { month: string; value: number }[] {
  const months: { month: string; value: number }[] = [];
  let base: number | null = null;
  let last: number | null = null;
  let month = '';
  const close = () => {
    if (month !== '' && base !== null && last !== null) months.push({ month, value: last / base - 1 });
  };
  days.forEach((day, i) => {
    const value = equity[i];
    if (!usable(value)) return;
    if (day.slice(0, 7) !== month) {
      close();
      base = last ?? value;
      month = day.slice(0, 7);
    }
    last = value;
  });
  close();
  return months;
}

const TRADING_DAYS = 252;

/**
 * Sharpe ratio a year of the last `window` daily returns, at each day; null before there are as many, where a value in the
 * window is missing, and where nothing moves.
 */
export function rollingSharpe(equity: Equity, window: number): (number | null)[] {
  const returns = equity.map((value, k) => {
    const before = equity[k - 1];
    return usable(value) && usable(before) ? value / before - 1 : null;
  });
  return equity.map((_, k) => {
    const last = returns.slice(Math.max(0, k - window + 1), k + 1).filter((value) => value !== null);
    if (window < 2 || last.length < window) return null;
    const mean = last.reduce((sum, value) => sum + value, 0) / window;
    const variance = last.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (window - 1);
    return variance > 0 ? (mean / Math.sqrt(variance)) * Math.sqrt(TRADING_DAYS) : null;
  });
}
