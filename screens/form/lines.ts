/** The form as rows for a width and a height: what there is no room for goes by its worth, the buttons never. */
import type { FormView } from '../../src/console/form/model.ts';
import type { FormStatus } from '../../src/console/form/status.ts';
import { shellLine } from '../../src/format/command.ts';
import {
  fitLine,
  type Line,
  lineText,
  lineWidth,
  packLine,
  type Style,
  span,
  spellLine,
  spread,
} from '../../src/format/lines.ts';
import { formatBytes, formatCount, formatDuration } from '../../src/format/numbers.ts';
import type { Tone } from '../../src/format/states.ts';
import { wrapText } from '../../src/format/width.ts';
import type { Estimated, Preflight, PreflightCheck } from '../../src/supervisor/reads.ts';
import { fieldRows, focusedNote } from './fields.ts';

/** From this width on estimate and checks stand side by side. */
const BESIDE_FROM = 110;
/** With fewer rows than this the details are shown instead of the fields, while the buttons have the focus. */
const BOTH_FROM = 14;
const NOTE_ROWS = 2;

export function formLines(form: FormView, status: FormStatus, width: number, height: number, style: Style): Line[] {
  const spell = (text: string) => lineText(spellLine([text], style));
  const buttons = buttonRow(form, status, width);
  const title = titleRow(form, width);
  const room = Math.max(0, height - 1 - (height > 1 ? 1 : 0));
  const body =
    room < BOTH_FROM ? smallBody(form, status, width, room, spell) : wholeBody(form, status, width, room, spell);
  return [...(height > 1 ? [title] : []), ...body, buttons];
}

function titleRow({ program, rerunOf, recalled }: FormView, width: number): Line {
  const what = rerunOf ? `Edit and run again ${rerunOf}` : 'New job';
  const name: Line = [span(`${what} · ${program.name}`, 'accent', { bold: true })];
  const summary: Line = [span(program.summary, 'muted')];
  const state: Line = [
    span(recalled ? `values of an earlier job (${recalled.index + 1})` : 'nothing has started', 'muted'),
  ];
  if (width >= BESIDE_FROM) return spread([...name, '  ', ...summary], [' ', ...state], width);
  return packLine(
    [name, summary, state].map((line, i) => ({ line, rank: [1, 3, 2][i] })),
    width,
  );
}

type Spell = (text: string) => string;

/** Fields, or while the buttons have the focus what is known about the launch. */
function smallBody(form: FormView, status: FormStatus, width: number, room: number, spell: Spell): Line[] {
  if (form.button !== null) return details(status, width, room, spell);
  const note = room >= 4 ? focusedNote(form, status, width, 1) : [];
  return [...windowOf(form, status, width, room - note.length), ...note];
}

function wholeBody(form: FormView, status: FormStatus, width: number, room: number, spell: Spell): Line[] {
  const note = focusedNote(form, status, width, NOTE_ROWS);
  const noted = [...note, ...Array.from({ length: NOTE_ROWS - note.length }, (): Line => [])];
  const fieldCount = fieldRows(form, status, width).lines.length;
  const left = room - noted.length - 1;
  const wanted = details(status, width, Number.POSITIVE_INFINITY, spell).length;
  const below = Math.min(wanted, Math.max(Math.floor(left / 2), left - fieldCount));
  const shown = windowOf(form, status, width, Math.min(fieldCount, left - below));
  return [...shown, ...noted, [], ...details(status, width, below, spell)];
}

/** As many of the fields as fit, the focused one among them; marks tell of the others. */
function windowOf(form: FormView, status: FormStatus, width: number, rows: number): Line[] {
  const { lines, focused } = fieldRows(form, status, width);
  const top = Math.max(0, Math.min(focused - Math.floor(rows / 2), lines.length - rows));
  const shown = lines.slice(top, top + rows);
  const hidden = lines.length - shown.length;
  if (hidden === 0 || shown.length === 0) return shown;
  const mark = span(`${top > 0 ? `▴${top} ` : ''}${hidden - top > 0 ? `▾${hidden - top}` : ''}`.trim(), 'warn');
  return [...shown.slice(0, -1), spread(shown.at(-1)!, [mark], width)];
}

/** Command, estimate and checks in so many rows: with too few, checks that are well go first. */
function details(status: FormStatus, width: number, rows: number, spell: Spell): Line[] {
  const estimate = estimateRows(status.preflight);
  const checks = checkRows(status);
  const beside = width >= BESIDE_FROM;
  const lower = beside ? sideBySide(estimate, checks, width) : [...estimate, ...checks];
  const command = commandRows(status, width, spell);
  if (command.length + lower.length <= rows) return [...command, ...lower];
  // Few rows: one for the command, one for the estimate, then what is not well.
  const short = [...commandRows(status, width, spell, 1), estimateLine(status.preflight), ...checkRows(status, true)];
  return short.slice(0, rows);
}

function commandRows({ validation }: FormStatus, width: number, spell: Spell, maxRows = 4): Line[] {
  if (!validation?.command.length) {
    const count = validation?.problems.length ?? 0;
    const words = validation
      ? `${count === 1 ? 'one argument is' : `${count} arguments are`} not right yet`
      : 'being checked …';
    return [[span('COMMAND  ', 'accent'), span(words, 'muted')]];
  }
  const label = 'COMMAND  ';
  return wrapText(spell(shellLine(validation.command)), Math.max(8, width - label.length), maxRows).map(
    (part, i): Line => [span(i === 0 ? label : ' '.repeat(label.length), 'accent'), span(part, 'strong')],
  );
}

const figure = (name: string, value: Estimated | null | undefined, format: (value: number) => string): Line => {
  if (!value) return [`${name.padEnd(6)}`, span('? UNKN', 'warn')];
  if (value.value === null) return [`${name.padEnd(6)}`, span(`at most ≈ ${format(value.high)}`, 'strong')];
  const range = value.low === value.high ? '' : `  (${format(value.low)} – ${format(value.high)})`;
  return [`${name.padEnd(6)}`, span(`≈ ${format(value.value)}`, 'strong'), span(range, 'muted')];
};

function estimateRows(preflight: Preflight | null): Line[] {
  const estimate = preflight?.estimate;
  return [
    [span('ESTIMATE  ', 'accent'), span(estimate?.basis ?? 'not before the arguments are right', 'muted')],
    ['  ', ...figure('time', estimate?.seconds, formatDuration)],
    ['  ', ...figure('rows', estimate?.rows, formatCount)],
    ['  ', ...figure('disk', estimate?.bytes, formatBytes)],
  ];
}

/** The same in one row. */
function estimateLine(preflight: Preflight | null): Line {
  const [title, ...figures] = estimateRows(preflight);
  const words = figures.map((row) => lineText(row).trim().replace(/ {2,}/g, ' '));
  return preflight ? [title[0], span(words.join(' · '))] : title;
}

const SIGNS: Readonly<Record<PreflightCheck['state'], readonly [string, Tone]>> = {
  OK: ['✓', 'good'],
  WARN: ['!', 'warn'],
  FAIL: ['✗', 'bad'],
  UNKN: ['?', 'warn'],
};

/** `short`: those that are well are counted, not named. */
function checkRows({ preflight }: FormStatus, short = false): Line[] {
  const title = span('CHECKS  ', 'accent');
  if (!preflight) return [[title, span('not before the arguments are right', 'muted')]];
  const rows = (checks: readonly PreflightCheck[]) =>
    checks.map(({ name, state, detail }): Line => {
      const [sign, tone] = SIGNS[state];
      return ['  ', span(`${sign} ${name}`, tone), span(`  ${detail}`, state === 'FAIL' ? 'bad' : 'muted')];
    });
  if (!short) return [[title], ...rows(preflight.checks)];
  const order = ['FAIL', 'WARN', 'UNKN'] as const;
  const worth = order.flatMap((state) => preflight.checks.filter((check) => check.state === state));
  const well = preflight.checks.length - worth.length;
  if (well === 0) return rows(worth);
  return [...rows(worth), ['  ', span(`✓ ${worth.length > 0 ? `${well} more` : `all ${well}`} OK`, 'good')]];
}

function sideBySide(left: readonly Line[], right: readonly Line[], width: number): Line[] {
  const half = Math.floor(width * 0.42);
  return Array.from(
    { length: Math.max(left.length, right.length) },
    (_, i): Line => [...fitLine(left[i] ?? [], half), '  ', ...(right[i] ?? [])],
  );
}

/** `▸[ Cancel ]   [ Launch ]  off: reason` */
function buttonRow({ button, rerunOf }: FormView, { blocker }: FormStatus, width: number): Line {
  const piece = (label: string, index: number, off: boolean) => {
    const focused = button === index;
    return span(`${focused ? '▸' : ' '}[ ${label} ]`, off ? 'muted' : focused ? 'accent' : 'plain', {
      bold: focused,
      inverse: focused,
    });
  };
  const row: Line = [
    piece('Cancel', 0, false),
    '   ',
    piece(rerunOf ? 'Run again' : 'Launch', 1, blocker !== null),
    ...(blocker ? [span(`  off: ${blocker}`, 'warn')] : []),
  ];
  return lineWidth(row) <= width ? row : fitLine(row, width);
}
