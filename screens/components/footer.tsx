/** The last rows: how things stand in one sentence, and the keys that work now. */
import { readFilter } from '../../src/console/filter.ts';
import { handoverLine } from '../../src/console/handover.ts';
import { type FooterItem, footerItems } from '../../src/console/keys.ts';
import { splitAtCursor } from '../../src/console/line-editor.ts';
import { completions, isBeingRead, verbHelp } from '../../src/console/palette/palette.ts';
import { trouble } from '../../src/console/selectors.ts';
import type { ConsoleState, Prompt } from '../../src/console/store.ts';
import { formatAgo } from '../../src/format/age.ts';
import { type Line, packLine, span, spellLine } from '../../src/format/lines.ts';
import { formatDuration } from '../../src/format/numbers.ts';
import { cutBeforeLastSentence } from '../../src/format/width.ts';
import { useConsole, useConsoleState } from './context.ts';
import { Rows } from './rows.tsx';

export interface FooterProps {
  readonly statusRow: number | null;
  readonly footerRow: number | null;
}

/** Draws both rows, or in a small terminal the one that matters more at the moment. */
export function Footer({ statusRow, footerRow }: FooterProps) {
  const { style } = useConsole();
  const state = useConsoleState();
  const { columns } = state.size;
  const status = state.overlay?.kind === 'prompt' ? promptLine(state, state.overlay) : statusLine(state, columns);
  const keys = keyLine(footerItems(state), columns, (line) => spellLine(line, style));
  const prompting = state.overlay?.kind === 'prompt';
  const urgent = state.toast !== null || state.boot !== null || trouble(state) !== null;
  return (
    <>
      {statusRow !== null && <Rows left={0} top={statusRow} width={columns} height={1} lines={[status]} />}
      {footerRow !== null && (
        <Rows
          left={0}
          top={footerRow}
          width={columns}
          height={1}
          lines={[statusRow === null && (prompting || (urgent && !state.overlay)) ? status : keys]}
        />
      )}
    </>
  );
}

/** The most important sentence now: what was just said, what is wrong, what is being done, or that all is well. */
function statusLine(state: ConsoleState, width: number): Line {
  const { toast, boot, snapshot, silentMs } = state;
  if (toast) return [' ', span(toast.text, toast.tone)];
  const wrong = trouble(state);
  if (wrong) return [' ', span(`✗ ${cutBeforeLastSentence(wrong, width - 3)}`, 'bad')];
  if (boot) return [' ', span(`▶ ${boot}`, 'info')];
  if (state.paused) return [' ', span('‖ PAUSED: the figures stand still', 'warn'), span(' · p goes on', 'muted')];
  if (silentMs > 0)
    return [' ', span(`~ STALE no news for ${formatDuration(silentMs / 1000)}: the figures are old`, 'warn')];
  if (state.sending) return [' ', span('▶ sent, waiting for the answer …', 'info')];
  if (!snapshot.board) return [' ', span('▶ reading evidence …', 'info')];
  const { handover } = snapshot;
  if (handover && !state.handoverRead)
    return [' ', span('✓ live', 'good'), ' · ', ...handoverLine(handover, snapshot.at)];
  return [
    ' ',
    span('✓ live', 'good'),
    span(
      ` · evidence read ${formatAgo(snapshot.at - snapshot.board.at)} · closing this console stops nothing`,
      'muted',
    ),
  ];
}

const PROMPTS: Readonly<Record<Prompt['purpose'], { readonly sign: string; readonly hint: string }>> = {
  command: { sign: ':', hint: '' },
  search: { sign: '/', hint: 'regular expression · ! inverts · ~ letters in order' },
  filter: { sign: '/', hint: 'regular expression · ! inverts · ~ letters in order' },
  help: { sign: '/', hint: 'words of a key’s line · regular expression · ! inverts · ~ letters in order' },
  note: { sign: 'note', hint: 'a note' },
  skip: { sign: 'skip', hint: 'why it is left out' },
  unskip: { sign: 'unskip', hint: 'why it is taken in again' },
};

/** The line being typed, with what it may become. */
function promptLine(state: ConsoleState, { purpose, line, phase }: Prompt): Line {
  const [before, after] = splitAtCursor(line);
  const sign = purpose === 'filter' && state.focus === 'output' ? '&' : PROMPTS[purpose].sign;
  const typed: Line = [
    ' ',
    span(sign + (phase === null ? '' : ` ${phase}: `), 'accent', { bold: true }),
    before,
    span(after[0] ?? ' ', 'plain', { inverse: true }),
    after.slice(1),
  ];
  if (phase !== null)
    return [...typed, span(`   ${PROMPTS[purpose].hint}, kept with time and name · Enter writes it`, 'muted')];
  if (purpose !== 'command') {
    const { problem } = readFilter(line.text);
    return [...typed, span(`   ${problem ?? PROMPTS[purpose].hint}`, problem ? 'bad' : 'muted')];
  }
  // What the line may still become; what it does once it is a whole command.
  const lines = completions(state, line.text);
  const open = lines.includes(line.text) ? [] : lines.slice(0, 12);
  const words = open.join('   ') || (isBeingRead(state, line.text) ? 'reading what there is …' : null);
  return [...typed, span(`   ${words ?? verbHelp(state, line.text) ?? ''}`, 'muted')];
}

/** The keys, the least important ones leaving first. */
function keyLine(items: readonly FooterItem[], width: number, spell: (line: Line) => Line): Line {
  const pieces = items.map(({ key, label, rank }) => ({
    line: spell([span(key, 'accent', { bold: true }), ` ${label}`]),
    rank,
  }));
  return [' ', ...packLine(pieces, width - 1, width >= 60 ? 3 : 2)];
}
