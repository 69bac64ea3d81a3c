/** What lies over a screen: in the middle, with a border where there is room for one. */
import { fitLine, type Line, span, spellLine } from '../../src/format/lines.ts';
import { useConsole, useConsoleState } from '../components/context.ts';
import { Rows } from '../components/rows.tsx';

/** Words are read in lines of this width at most. */
const READING_WIDTH = 110;
/** From this height on there is a line of status over the footer. */
const STATUS_FROM = 24;
/** From here on there is a border. */
const BORDERED_FROM = { columns: 40, rows: 12 };

/** Draws the rows that `build` makes for so many cells and at most so many rows. */
export function OverlayBox({
  build,
  maxWidth = READING_WIDTH,
}: {
  readonly build: (width: number, height: number) => readonly Line[];
  readonly maxWidth?: number;
}) {
  const { style } = useConsole();
  const { columns, rows } = useConsoleState().size;
  const bordered = columns >= BORDERED_FROM.columns && rows >= BORDERED_FROM.rows;
  // The header and, where there are any, the footer and the line over it stay in sight.
  const room = Math.max(1, rows - (rows >= STATUS_FROM ? 3 : rows > 2 ? 2 : 1));
  const width = bordered ? Math.min(maxWidth, columns - 4) : columns;
  const inner = bordered ? width - 4 : width;
  const lines = build(inner, bordered ? room - 2 : room).map((line) => spellLine(line, style));
  const shown = bordered ? border(lines, width) : lines;
  const top = 1 + Math.max(0, Math.floor((room - shown.length) / 2));
  const left = Math.floor((columns - width) / 2);
  return (
    <Rows
      left={left}
      top={rows > 1 ? top : 0}
      width={width}
      height={bordered ? shown.length : room}
      lines={shown}
      over
    />
  );
}

function border(lines: readonly Line[], width: number): Line[] {
  const side = span('║', 'accent');
  const rule = '═'.repeat(Math.max(0, width - 2));
  return [
    [span(`╔${rule}╗`, 'accent')],
    ...lines.map((line): Line => [side, ' ', ...fitLine(line, width - 4), ' ', side]),
    [span(`╚${rule}╝`, 'accent')],
  ];
}
