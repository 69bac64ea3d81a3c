/** Columns for rows of the screen: widths from the content, less important columns leave when it gets narrow. */
import {
  fitLine,
  type Line,
  lineText,
  lineWidth,
  MARK_CELLS,
  type Span,
  type Style,
  span,
  spellLine,
} from './lines.ts';
import { fitToWidth } from './width.ts';

export interface Column<Row> {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Never narrower than this (0 by default: as narrow as the content). */
  readonly min?: number;
  /** Never wider than this. */
  readonly max?: number;
  /** Takes what is left over. One column at most. */
  readonly grow?: boolean;
  /** Columns with the highest number leave first when there is not enough room; 0 (default) never leaves. */
  readonly drop?: number;
  /** The cell; a growing column is told its width. */
  cell(row: Row, width: number): Line;
}

export interface Table {
  /** The titles; where columns had to leave, with the mark of what is cut at the right end of the width. */
  readonly header: Line;
  readonly rows: readonly Line[];
  /** Titles of the columns that had to leave. */
  readonly left: readonly string[];
}

/** How a table is spelled; one that is read by its columns, as a report in a pipe is, bears no mark of columns that left. */
interface TableStyle extends Pick<Style, 'ascii'> {
  readonly marked?: boolean;
}

const GAP = 2;
/** Below this a growing column is of no use, and another column leaves instead. */
const MIN_GROW = 8;

/** Lays rows out in columns within `width` cells. */
export function layTable<Row>(
  given: readonly Column<Row>[],
  rows: readonly Row[],
  width: number,
  { marked = true, ...style }: TableStyle = { ascii: false },
): Table {
  const columns = given.map((column) => ({
    ...column,
    cell: (row: Row, space: number) => spellLine(column.cell(row, space), style),
  }));
  const natural = columns.map((column) => {
    const cells = column.grow ? 0 : Math.max(0, ...rows.map((row) => lineWidth(column.cell(row, column.max ?? width))));
    return Math.min(column.max ?? Number.POSITIVE_INFINITY, Math.max(column.min ?? 0, column.title.length, cells));
  });
  const shown = columns.map((_, i) => i);
  const minimum = (i: number) => (columns[i].grow ? (columns[i].min ?? MIN_GROW) : natural[i]);
  const needed = () => shown.reduce((sum, i) => sum + minimum(i), 0) + GAP * Math.max(0, shown.length - 1);
  while (needed() > width) {
    const next = shown
      .filter((i) => (columns[i].drop ?? 0) > 0)
      .sort((a, b) => (columns[b].drop ?? 0) - (columns[a].drop ?? 0))[0];
    if (next === undefined) break;
    shown.splice(shown.indexOf(next), 1);
  }
  const cut = marked && shown.length < columns.length;
  // A growing column makes room for the mark; at the right end its own title leaves enough.
  const mark = cut && !columns[shown[shown.length - 1]]?.grow ? MARK_CELLS : 0;
  const spare = Math.max(0, width - needed() - mark);
  const widths = new Map(
    shown.map((i) => [
      i,
      columns[i].grow ? Math.min(columns[i].max ?? Number.POSITIVE_INFINITY, minimum(i) + spare) : natural[i],
    ]),
  );
  const lay = (cell: (column: Column<Row>, cellSpace: number) => Line): Line =>
    shown.flatMap((i, k) => {
      const space = widths.get(i) ?? 0;
      return [
        ...(k > 0 ? [' '.repeat(GAP)] : []),
        ...align(cell(columns[i], space), space, columns[i].align ?? 'left'),
      ];
    });
  const titles = lay((column) => [span(column.title, 'muted')]);
  return {
    // With a cell more than there is room for, it is cut as every row is.
    header: cut ? fitLine([span(`${fitToWidth(lineText(titles), width)} `, 'muted')], width) : titles,
    rows: rows.map((row) => lay((column, space) => column.cell(row, space))),
    left: given.filter((_, i) => !shown.includes(i)).map(({ title }) => title),
  };
}

function align(cell: Line, width: number, side: 'left' | 'right'): Span[] {
  const used = lineWidth(cell);
  if (side === 'left' || used >= width) return fitLine(cell, width);
  return [{ text: ' '.repeat(width - used) }, ...fitLine(cell, used)];
}
