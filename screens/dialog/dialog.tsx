/** A question before anything that costs, and notices that must be read in full. Cancel comes first and has the focus. */
import type { Dialog } from '../../src/console/store.ts';
import { type Line, lineWidth, span, spellLine } from '../../src/format/lines.ts';
import { cutToWidth, wrapText } from '../../src/format/width.ts';
import { useConsole, useConsoleState } from '../components/context.ts';
import { Rows } from '../components/rows.tsx';

const MAX_WIDTH = 110;
/** From here on the dialog gets a border. */
const BORDERED_FROM = { columns: 40, rows: 12 };

export function DialogBox({ dialog }: { readonly dialog: Dialog }) {
  const { style } = useConsole();
  const { columns, rows } = useConsoleState().size;
  const bordered = columns >= BORDERED_FROM.columns && rows >= BORDERED_FROM.rows;
  // The header and, where there is one, the footer stay in sight.
  const room = Math.max(1, rows - (rows > 2 ? 2 : 1));
  const width = bordered ? Math.min(MAX_WIDTH, columns - 4) : columns;
  const inner = bordered ? width - 4 : width;
  const lines = dialogLines(dialog, inner, bordered ? room - 2 : room, (text) =>
    style.ascii ? spellText(text, style) : text,
  );
  const shown = bordered ? border(lines, width) : lines;
  const top = 1 + Math.max(0, Math.floor((room - shown.length) / 2));
  const left = Math.floor((columns - width) / 2);
  return (
    <Rows left={left} top={rows > 1 ? top : 0} width={width} height={bordered ? shown.length : room} lines={shown} />
  );
}

const spellText = (text: string, style: { readonly ascii: boolean }): string =>
  spellLine([text], style)
    .map((piece) => (typeof piece === 'string' ? piece : piece.text))
    .join('');

/** Title, command and words, cut to the room there is; the buttons are never cut away. */
function dialogLines(dialog: Dialog, width: number, height: number, spell: (text: string) => string): Line[] {
  const buttons = buttonRow(dialog, width, spell);
  const title: Line = [span(cutToWidth(spell(dialog.title), width), dialog.tone, { bold: true })];
  const command = dialog.command
    ? wrapText(spell(dialog.command), width - 2).map((part): Line => ['  ', span(part, 'strong')])
    : [];
  const words = dialog.body.flatMap((text) => wrapText(spell(text), width).map((part): Line => [part]));
  const middle: Line[] = [[], ...command, ...(command.length > 0 ? [[]] : []), ...words, []];
  const room = Math.max(0, height - 1 - buttons.length);
  if (middle.length <= room) return [title, ...middle, ...buttons];
  // Blank rows go first, then the last words; a mark tells that there was more.
  const dense = middle.filter((line) => line.length > 0);
  const kept =
    dense.length <= room
      ? dense
      : [...dense.slice(0, Math.max(0, room - 1)), ...(room > 0 ? [[span('…', 'warn')]] : [])];
  return [...(height > buttons.length ? [title] : []), ...kept, ...buttons];
}

/** `[ Cancel ]  [ Launch ]` with the focused one inverted; below each other when they do not fit. */
function buttonRow(dialog: Dialog, width: number, spell: (text: string) => string): Line[] {
  const pieces = dialog.buttons.map((button, i) => {
    const focused = i === dialog.focus;
    const label = `${focused ? '▸' : ' '}[ ${button.label} ]`;
    return span(spell(label), focused ? dialog.tone : 'plain', { bold: focused, inverse: focused });
  });
  const row: Line = pieces.flatMap((piece, i) => (i > 0 ? ['   ', piece] : [piece]));
  return lineWidth(row) <= width ? [row] : pieces.map((piece) => [piece]);
}

function border(lines: readonly Line[], width: number): Line[] {
  const side = span('║', 'accent');
  const rule = '═'.repeat(Math.max(0, width - 2));
  return [
    [span(`╔${rule}╗`, 'accent')],
    ...lines.map((line): Line => {
      const fill = Math.max(0, width - 4 - lineWidth(line));
      return [side, ' ', ...line, ' '.repeat(fill), ' ', side];
    }),
    [span(`╚${rule}╝`, 'accent')],
  ];
}
