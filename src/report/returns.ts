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
