/** Help from the live key table: every key, what it does, and why it cannot do it now. */
import { useEffect } from 'react';
import { ACTIONS, type Action, keyLabel, type Scope } from '../../src/console/keys.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { type Line, lineWidth, span, spellLine } from '../../src/format/lines.ts';
import { CHECK_SIGNS, JOB_SIGNS, type StateSign } from '../../src/format/states.ts';
import { wrapText } from '../../src/format/width.ts';
import { useConsole, useConsoleState } from '../components/context.ts';
import { Footer } from '../components/footer.tsx';
import { Header } from '../components/header.tsx';
import { Rows } from '../components/rows.tsx';
import { type Drawing, signSpan } from '../components/signs.ts';

const SECTIONS: readonly { readonly scope: Scope; readonly title: string }[] = [
  { scope: 'global', title: 'EVERYWHERE' },
  { scope: 'always', title: 'ALWAYS, IN DIALOGS TOO' },
  { scope: 'overview', title: 'OVERVIEW' },
  { scope: 'dialog', title: 'DIALOGS' },
  { scope: 'help', title: 'THIS HELP' },
];

export function Help({ top }: { readonly top: number }) {
  const { style, limits } = useConsole();
  const state = useConsoleState();
  const { columns, rows } = state.size;
  const small = rows < 24;
  const footerRows = small ? (rows > 2 ? 1 : 0) : 2;
  const height = Math.max(0, rows - 1 - footerRows);
  const lines = helpLines(state, columns - 2, style).map((line): Line => [' ', ...spellLine(line, style)]);
  const limit = Math.max(0, lines.length - height);
  useEffect(() => {
    limits.help = limit;
  }, [limits, limit]);
  const first = Math.min(top, limit);
  const shown = lines.slice(first, first + height);
  // What is out of sight is counted in the last row.
  if (limit > 0 && height > 1) shown[height - 1] = [span(` ${first > 0 ? `▴${first} ` : ''}${limit - first > 0 ? `▾${limit - first}` : ''} more rows (j k)`, 'warn')];
  return (
    <>
      <Header />
      <Rows left={0} top={1} width={columns} height={height} lines={shown} />
      <Footer statusRow={small ? null : rows - 2} footerRow={rows > 2 ? rows - 1 : null} />
    </>
  );
}

/** The whole help as rows. */
export function helpLines(state: ConsoleState, width: number, drawing: Drawing): Line[] {
  const keyWidth = Math.max(...ACTIONS.map((action) => keysOf(action).length));
  return [
    [span('Closing this console stops nothing: jobs and databases keep running. To come back, start it again.', 'strong')],
    [],
    ...SECTIONS.flatMap(({ scope, title }) => [
      [span(title, 'accent', { bold: true })],
      ...ACTIONS.filter((action) => action.scope === scope).flatMap((action) => actionRows(action, state, keyWidth, width)),
      [],
    ]),
    [span('PHASES AND CHECKS', 'accent', { bold: true })],
    ...signRows(Object.values(CHECK_SIGNS), MEANINGS, width, drawing),
    [],
    [span('JOBS', 'accent', { bold: true })],
    ...signRows(Object.values(JOB_SIGNS), JOB_MEANINGS, width, drawing),
  ];
}

const keysOf = (action: Action): string => action.keys.map(keyLabel).join(' ');

function actionRows(action: Action, state: ConsoleState, keyWidth: number, width: number): Line[] {
  // The overview's keys are judged as if this help were closed: that is where they will be pressed.
  const reason = action.disabled?.({ ...state, overlay: action.scope === 'dialog' ? state.overlay : null }) ?? null;
  const head: Line = [span(`  ${keysOf(action).padEnd(Math.min(keyWidth, Math.floor(width / 3)))}  `, reason ? 'muted' : 'strong')];
  const indent = lineWidth(head);
  const text = wrapText(action.help, Math.max(8, width - indent));
  const off = reason && action.scope !== 'dialog' ? wrapText(`not now: ${reason}`, Math.max(8, width - indent)) : [];
  return [
    ...text.map((part, i): Line => (i === 0 ? [...head, span(part, reason ? 'muted' : 'plain')] : [' '.repeat(indent), part])),
    ...off.map((part): Line => [' '.repeat(indent), span(part, 'warn')]),
  ];
}

const MEANINGS: Readonly<Record<string, string>> = {
  OK: 'all required checks pass',
  PART: 'some pass, none failed',
  FAIL: 'a check failed',
  BLKD: 'something before it is missing',
  WAIT: 'not begun',
  RUN: 'a job that feeds it runs',
  STALE: 'the evidence is too old',
  UNKN: 'could not be found out',
  SKIP: 'optional, left out by hand',
};

const JOB_MEANINGS: Readonly<Record<string, string>> = {
  QUEUE: 'waits to begin',
  RUN: 'running',
  DONE: 'ended well',
  PART: 'ended, some items failed',
  FAIL: 'ended badly',
  STOP: 'stopped by hand',
  LOST: 'no exit record: how it ended is unknown',
};

function signRows(signs: readonly StateSign[], meanings: Readonly<Record<string, string>>, _width: number, drawing: Drawing): Line[] {
  return signs.map((sign) => {
    const one = signSpan(sign, drawing);
    return ['  ', { ...one, text: one.text.padEnd(10) }, span(meanings[sign.word], 'muted')];
  });
}
