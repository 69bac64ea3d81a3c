/** A question before anything that costs, and notices that must be read in full. Cancel comes first and has the focus. */
import { dialogWords } from '../../src/console/dialogs.ts';
import { splitAtCursor } from '../../src/console/line-editor.ts';
import type { Dialog } from '../../src/console/store.ts';
import { type Line, lineText, lineWidth, type Style, span, spellLine } from '../../src/format/lines.ts';
import { cutToWidth, wrapText } from '../../src/format/width.ts';
import { useConsole, useConsoleState } from '../components/context.ts';
import { OverlayBox } from './box.tsx';

export function DialogBox({ dialog }: { readonly dialog: Dialog }) {
  const { style } = useConsole();
  const body = dialogWords(useConsoleState(), dialog);
  return <OverlayBox build={(width, height) => dialogLines({ ...dialog, body }, width, height, style)} />;
}

/** Title, command and words, cut to the room there is; the line to type and the buttons are never cut away. */
function dialogLines(dialog: Dialog, width: number, height: number, style: Style): Line[] {
  // Spelled before it is cut: a plain spelling may be longer.
  const spell = (text: string) => lineText(spellLine([text], style));
  const buttons = [...typedRow(dialog), ...buttonRow(dialog, width, spell)];
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

function typedRow({ typed }: Dialog): Line[] {
  if (!typed) return [];
  const [before, after] = splitAtCursor(typed.line);
  const right = typed.line.text === typed.expected;
  return [
    [
      span('> ', 'accent'),
      before,
      span(after[0] ?? ' ', 'plain', { inverse: true }),
      after.slice(1),
      right ? span('  ✓', 'good') : '',
    ],
  ];
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
