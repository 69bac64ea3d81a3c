/** The phase board: a row a phase, and the reasons of the selected one. */
import { bySeverity, visibleRows } from '../../src/console/lists.ts';
import { launchCommand, selectedPhase, trouble } from '../../src/console/selectors.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { formatAgo } from '../../src/format/age.ts';
import { toAscii } from '../../src/format/ascii.ts';
import { commandLine, fixLine } from '../../src/format/command.ts';
import { fitLine, type Line, lineWidth, span } from '../../src/format/lines.ts';
import type { Tone } from '../../src/format/states.ts';
import { cellWidth, fitToWidth, wrapText } from '../../src/format/width.ts';
import type { CheckResult, CheckState, PhaseResult } from '../../src/phases/types.ts';
import type { PaneContent } from '../components/pane.tsx';
import { checkSign, cursor, type Drawing, SIGN_WIDTH, signCell, signSpan } from '../components/signs.ts';
import { hanging } from '../components/words.ts';

const CHECKS_WIDTH = 6;
const MAX_TITLE = 32;
/** Below this width there is no room for titles beside the reasons. */
const TITLES_FROM = 50;

/** From this width on every headline may take a second row; below it only the selected phase's. */
const ROOMY_FROM = 76;

/**
 * How many rows a headline may take: `one`, as many as there is room for (`some`), or as many as it needs (`all`). `below`: one
 * of its own, below the phase's name, where both are too long for a row.
 */
type Headlines = 'one' | 'below' | 'some' | 'all';

/** The list of phases. */
export function phaseList(state: ConsoleState, width: number, drawing: Drawing, headlines: Headlines): PaneContent {
  const { board, checking } = state.snapshot;
  const note: Line = [
    checking
      ? span('reading evidence …', 'info')
      : board
        ? span(`evidence read ${formatAgo(state.snapshot.at - board.at)}`, 'muted')
        : span('? no evidence', 'warn'),
  ];
  if (!board) return { title: 'Phases', note, lines: noBoard(state, width), selectedRow: 0 };
  const selected = selectedPhase(state);
  const columns: PhaseColumns = {
    checks: width >= TITLES_FROM ? CHECKS_WIDTH : 0,
    title:
      width >= TITLES_FROM
        ? Math.min(
            MAX_TITLE,
            Math.floor((width - 20) * 0.42),
            Math.max(...board.phases.map((p) => titleOf(p, drawing).length)),
          )
        : 0,
  };
  const lines: Line[] = [];
  let selectedRow = 0;
  const starts: number[] = [];
  for (const phase of visibleRows(state, 'phases')) {
    if (phase === selected) selectedRow = lines.length;
    starts.push(lines.length);
    lines.push(...phaseRows(phase, phase === selected, width, columns, drawing, headlines));
  }
  return {
    title: 'Phases',
    note,
    header: headlines === 'one' || headlines === 'below' ? undefined : headerRow(columns),
    lines,
    starts,
    selectedRow,
  };
}

/** Cells for the columns that may be left out; 0 leaves one out. */
interface PhaseColumns {
  readonly checks: number;
  readonly title: number;
}

/** Spelled before it is padded: a plain spelling may be longer. */
const titleOf = ({ title }: PhaseResult, { ascii }: Drawing): string => (ascii ? toAscii(title) : title);

const column = (text: string, width: number): string => (width > 0 ? ` ${fitToWidth(text, width)}` : '');

function headerRow({ checks, title }: PhaseColumns): Line {
  return [
    span(
      `     ${'state'.padEnd(SIGN_WIDTH)}${column('checks', checks)}${column('phase', title)}  worst first`,
      'muted',
    ),
  ];
}

/** What is wrong stands out; what only waits for something else does not. */
const LOUD: Readonly<Partial<Record<CheckState, Tone>>> = {
  FAIL: 'bad',
  PART: 'warn',
  UNKN: 'warn',
  STALE: 'warn',
  OK: 'plain',
  RUN: 'info',
};

function phaseRows(
  phase: PhaseResult,
  selected: boolean,
  width: number,
  { checks, title }: PhaseColumns,
  drawing: Drawing,
  headlines: Headlines,
): Line[] {
  const weight = selected ? 'strong' : 'plain';
  const tone = LOUD[phase.state] ?? 'muted';
  const state: Line = [cursor(selected), span(`${phase.phase} `, weight), signCell(checkSign(phase.state), drawing)];
  if (headlines === 'below') {
    return [
      [...state, span(` ${titleOf(phase, drawing)}`, weight)],
      ['     ', span(phase.headline, tone)],
    ];
  }
  const head: Line = [
    ...state,
    span(column(`${phase.passed}/${phase.required}`, checks)),
    span(column(titleOf(phase, drawing), title), weight),
    '  ',
  ];
  const indent = lineWidth(head);
  const room = width - indent;
  if (room < 12 || headlines === 'one') return [[...head, span(phase.headline, tone)]];
  const rows = headlines === 'all' ? undefined : selected || width >= ROOMY_FROM ? 2 : 1;
  return wrapText(phase.headline, room, rows).map((part, i) =>
    i === 0 ? [...head, span(part, tone)] : [' '.repeat(indent), span(part, tone)],
  );
}

function noBoard(state: ConsoleState, width: number): Line[] {
  const { boardProblem, checking } = state.snapshot;
  const text =
    state.bootProblem ??
    boardProblem ??
    (checking ? 'Reading evidence from both databases …' : 'No evidence was read.');
  const tone = state.bootProblem || boardProblem ? 'bad' : 'muted';
  return [
    [span('? UNKN  ', 'warn'), 'the state of every phase is unknown so far'],
    ...wrapText(text, width).map((part): Line => [span(part, tone)]),
  ];
}

/**
 * Why the selected phase is not green: each failing check with what was seen, what is asked for, and what mends it.
 * `dense` says each in two rows.
 */
export function whyPhase(state: ConsoleState, width: number, drawing: Drawing, dense: boolean): PaneContent {
  const phase = selectedPhase(state);
  if (!phase) return { title: 'Why', lines: nothingToExplain(state, width) };
  const now = state.snapshot.at;
  const note: Line = [
    signSpan(checkSign(phase.state), drawing),
    span(` ${phase.passed} of ${phase.required} required checks`, 'muted'),
  ];
  const failing = phase.checks.filter((check) => check.state !== 'OK');
  const passing = phase.checks.filter((check) => check.state === 'OK');
  const name = phase.phase + (phase.optional ? ' (optional)' : '');
  const title = phase.state === 'OK' ? `${name} is green` : `Why ${name} is not green`;
  return {
    title,
    note,
    lines: [
      ...troubleRows(state, width),
      ...(dense || phase.goal === '' ? [] : hanging([span('goal    ', 'muted')], phase.goal, width, 'muted')),
      ...skipRows(phase, width, now),
      ...phase.blockedBy.flatMap((gate) => hanging([span('! ', 'bad')], gate, width, 'bad')),
      ...[...failing]
        .sort(bySeverity)
        .flatMap((check) =>
          dense ? denseCheck(check, width, now, drawing) : failingCheck(check, width, now, drawing),
        ),
      ...passing.flatMap((check) => passingCheck(check, width, now, drawing)),
      ...(dense ? [] : commandRows(state, phase, width)),
    ],
  };
}

/** That a phase is left out: why, by whom, and since when. */
export const skipRows = ({ skip }: PhaseResult, width: number, now: number): Line[] =>
  skip
    ? hanging(
        [span('skipped ', 'muted')],
        `${skip.reason} · ${skip.who} · ${formatAgo(now - skip.at)} · u takes it in again`,
        width,
        'muted',
      )
    : [];

function nothingToExplain(state: ConsoleState, width: number): Line[] {
  const wrong = troubleRows(state, width);
  if (wrong.length > 0) return wrong;
  return wrapText('Nothing to explain before the phases have been read.', width).map(
    (part): Line => [span(part, 'muted')],
  );
}

/** What keeps evidence from being read, in full: the status row may have to cut it. */
function troubleRows(state: ConsoleState, width: number): Line[] {
  const wrong = trouble(state);
  return wrong ? hanging([span('✗ ', 'bad')], wrong, width, 'bad') : [];
}

function failingCheck(check: CheckResult, width: number, now: number, drawing: Drawing): Line[] {
  const sign = checkSign(check.state);
  const advisory = check.advisory ? ' (advisory)' : '';
  const indent = ' '.repeat(width >= ROOMY_FROM ? SIGN_WIDTH + 1 : 2);
  const field = (name: string, text: string, tone: 'plain' | 'accent' | 'muted' = 'plain') =>
    text === '' ? [] : hanging([indent, span(name.padEnd(9), 'muted')], text, width, tone);
  return [
    [signCell(sign, drawing), ' ', span(check.id, 'strong'), span(`  ${check.title}${advisory}`)],
    ...field('observed', `${check.observed}  (${ageOf(check, now)})`),
    ...field('required', check.required),
    ...field('why', check.reason),
    ...(check.fix ? field('fix', fixLine(check.fix), 'accent') : []),
  ];
}

/** What is too long for its row is cut before the age: a figure is never without it. */
function denseCheck(check: CheckResult, width: number, now: number, drawing: Drawing): Line[] {
  const sign = checkSign(check.state);
  const said = check.observed === '–' ? check.reason : `${check.observed}; required: ${check.required}`;
  const seen: Line = [signCell(sign, drawing), ' ', span(check.id, 'strong'), ` ${said}`];
  const age = ` (${ageOf(check, now)})`;
  const room = Math.max(0, width - cellWidth(age));
  return [
    [...(lineWidth(seen) > room ? fitLine(seen, room) : seen), age],
    ...(check.fix ? [[' '.repeat(SIGN_WIDTH + 1), span('fix ', 'muted'), span(fixLine(check.fix), 'accent')]] : []),
  ];
}

const ageOf = (check: CheckResult, now: number): string => formatAgo(now - check.at);

function passingCheck(check: CheckResult, width: number, now: number, drawing: Drawing): Line[] {
  const head: Line = [signCell(checkSign(check.state), drawing), ' ', span(check.id), '  '];
  return hanging(head, `${check.observed}  (${ageOf(check, now)})`, width, 'muted');
}

/** The plan's commands of the phase; the one that the launch key starts is marked by its key. */
function commandRows(state: ConsoleState, phase: PhaseResult, width: number): Line[] {
  if (phase.commands.length === 0) return [];
  const launched = launchCommand(state);
  return [
    [],
    [span('commands', 'muted')],
    ...phase.commands.flatMap((command) =>
      hanging(
        [span(command === launched ? 'n ' : '  ', 'accent', { bold: true }), `${command.label}: `],
        commandLine(command.argv),
        width,
        'muted',
        2,
      ),
    ),
  ];
}
