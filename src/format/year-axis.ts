/** Years beside each other, a few cells each, with labels above them. */

export interface Years {
  readonly first: number;
  readonly last: number;
}

/** Cells that a year may take, and of those that a label takes two or all four of its digits. */
const CELLS = [5, 3, 2, 1] as const;
const STEPS = [1, 2, 5, 10] as const;

/** The most cells that each of the years can have in `room`. */
export const yearCells = ({ first, last }: Years, room: number): number =>
  CELLS.find((cells) => (last - first + 1) * cells <= room) ?? 1;

/** `10   15   20`: a label above the cells of each year, or of each second, fifth or tenth, where they would run together. */
export function yearTicks({ first, last }: Years, cells: number): string {
  const digits = cells >= 5 ? 4 : 2;
  const step = STEPS.find((years) => years * cells > digits) ?? 10;
  let ticks = '';
  for (let year = first; year <= last; year++) {
    const next = year + step - (year % step);
    const isLabelled = year % step === 0 || (year === first && (next - year) * cells > digits);
    const label = isLabelled ? String(year).slice(-digits) : '';
    ticks = ticks.padEnd((year - first) * cells) + label;
  }
  return ticks.padEnd((last - first + 1) * cells);
}

/** The mark of a year over its cells, with a blank behind it where three or more can be told apart. */
export const yearMark = (mark: string, cells: number): string =>
  cells > 2 ? `${mark.repeat(cells - 1)} ` : mark.repeat(cells);
