/** Help from the live key table: every key, what it does, and why it cannot do it now. */
import { lazy, Suspense, useEffect } from 'react';
import type { Action, OverlayScope, Scope } from '../../src/console/action.ts';
import { readFilter } from '../../src/console/filter.ts';
import { ACTIONS, keyLabel, refusal } from '../../src/console/keys.ts';
import { SCREENS } from '../../src/console/screens.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { type Line, lineWidth, span, spellLine } from '../../src/format/lines.ts';
import { wrapText } from '../../src/format/width.ts';
import { useConsole, useConsoleState } from '../components/context.ts';
import { Footer } from '../components/footer.tsx';
import { Header } from '../components/header.tsx';
import { Rows } from '../components/rows.tsx';
import { type Drawing, signSpan } from '../components/signs.ts';
import { hanging } from '../components/words.ts';
import { CHECK_MEANINGS, CUT_MEANINGS, JOB_MEANINGS, type Meaning } from './meanings.ts';

/** Loaded with the first help: no other screen needs a table package. */
const Legend = lazy(() => import('./legend.tsx'));
/** Cells and rows of the legend's table, and what the keys need beside it. */
const LEGEND = { columns: 50, rows: 21, keys: 90 };

const SECTIONS: readonly { readonly scope: Scope; readonly title: string }[] = [
  { scope: 'global', title: 'EVERYWHERE' },
  { scope: 'always', title: 'ALWAYS, IN DIALOGS TOO' },
  ...SCREENS.map(({ id, title }) => ({ scope: id, title: title.toUpperCase() })),
  { scope: 'dialog', title: 'DIALOGS' },
  { scope: 'typing', title: 'DIALOGS THAT ASK FOR WORDS' },
  { scope: 'prompt', title: 'THE LINE AT THE FOOT' },
  { scope: 'menu', title: 'MENUS' },
  { scope: 'programs', title: 'THE LIST OF PROGRAMS' },
  { scope: 'field', title: 'THE LAUNCH FORM' },
  { scope: 'switch', title: 'SWITCHES AND CHOICES OF THE FORM' },
  { scope: 'buttons', title: 'THE BUTTONS OF THE FORM' },
  { scope: 'help', title: 'THIS HELP' },
];

export function Help({ top, query }: { readonly top: number; readonly query: string }) {
  const { style, limits } = useConsole();
  const state = useConsoleState();
  const { columns, rows } = state.size;
  const small = rows < 24;
  const footerRows = small ? (rows > 2 ? 1 : 0) : 2;
  const height = Math.max(0, rows - 1 - footerRows);
  const beside = columns >= LEGEND.keys + LEGEND.columns && height > LEGEND.rows;
  const width = beside ? columns - LEGEND.columns : columns;
  const lines = helpLines(state, width - 2, style, { withStates: !beside, query }).map(
    (line): Line => [' ', ...spellLine(line, style)],
  );
  const limit = Math.max(0, lines.length - height);
  useEffect(() => {
    limits.help = limit;
  }, [limits, limit]);
  const first = Math.min(top, limit);
  const shown = lines.slice(first, first + height);
  // What is out of sight is counted in the last row.
  if (limit > 0 && height > 1)
    shown[height - 1] = [
      span(` ${first > 0 ? `▴${first} ` : ''}${limit - first > 0 ? `▾${limit - first}` : ''} more rows (j k)`, 'warn'),
    ];
  return (
    <>
      <Header />
      <Rows left={0} top={1} width={width} height={height} lines={shown} />
      {beside && (
        <Suspense fallback={null}>
          <Legend left={width} top={2} width={LEGEND.columns} drawing={style} />
        </Suspense>
      )}
      <Footer statusRow={small ? null : rows - 2} footerRow={rows > 2 ? rows - 1 : null} />
    </>
  );
}

/** The help as rows: whole, or what matches; the states of checks are left out where a table shows them. */
export function helpLines(
  state: ConsoleState,
  width: number,
  drawing: Drawing,
  { withStates = true, query = '' } = {},
): Line[] {
  if (query !== '') return foundLines(state, width, query);
  const keyWidth = Math.max(...ACTIONS.map((action) => keysOf(action).length));
  return [
    ...wrapText(
      'Closing this console stops nothing: jobs and databases keep running. To come back, start it again.',
      Math.max(8, width),
    ).map((part): Line => [span(part, 'strong')]),
    [],
    ...SECTIONS.flatMap(({ scope, title }) => [
      [span(title, 'accent', { bold: true })],
      ...ACTIONS.filter((action) => action.scopes.includes(scope)).flatMap((action) =>
        actionRows(action, state, keyWidth, width),
      ),
      [],
    ]),
    ...(withStates
      ? [[span('PHASES AND CHECKS', 'accent', { bold: true })], ...signRows(CHECK_MEANINGS, drawing), []]
      : []),
    [span('JOBS', 'accent', { bold: true })],
    ...signRows(JOB_MEANINGS, drawing),
    [],
    [span('WHERE THERE IS NO ROOM', 'accent', { bold: true })],
    ...CUT_MEANINGS.flatMap(([mark, meaning]) =>
      hanging([span(`  ${mark.padEnd(10)}`, 'warn')], meaning, width, 'muted'),
    ),
  ];
}

/** The keys that match, below the names of where they work. */
function foundLines(state: ConsoleState, width: number, query: string): Line[] {
  const { matches } = readFilter(query);
  const keyWidth = Math.max(...ACTIONS.map((action) => keysOf(action).length));
  const found = SECTIONS.flatMap(({ scope, title }): Line[] => {
    const actions = ACTIONS.filter(
      (action) => action.scopes.includes(scope) && matches(`${keysOf(action)} ${action.help}`),
    );
    if (actions.length === 0) return [];
    const rows = actions.flatMap((action) => actionRows(action, state, keyWidth, width));
    return [[span(title, 'accent', { bold: true })], ...rows, []];
  });
  return found.length > 0 ? found : [[span(`No key's line matches ${query}.`, 'warn')]];
}

/** Scopes of what lies over a screen: their reasons say nothing here. */
const OVER: ReadonlySet<Scope> = new Set<OverlayScope>([
  'dialog',
  'typing',
  'prompt',
  'menu',
  'help',
  'programs',
  'field',
  'switch',
  'buttons',
]);

const keysOf = (action: Action): string => action.keys.map(keyLabel).join(' ');

function actionRows(action: Action, state: ConsoleState, keyWidth: number, width: number): Line[] {
  // The overview's keys are judged as if this help were closed: that is where they will be pressed.
  const over = OVER.has(action.scopes[0]);
  const reason = refusal(action, { ...state, overlay: over ? state.overlay : null });
  const head: Line = [
    span(`  ${keysOf(action).padEnd(Math.min(keyWidth, Math.floor(width / 3)))}  `, reason ? 'muted' : 'strong'),
  ];
  const indent = lineWidth(head);
  const text = wrapText(action.help, Math.max(8, width - indent));
  const off = reason && !over ? wrapText(`not now: ${reason}`, Math.max(8, width - indent)) : [];
  return [
    ...text.map(
      (part, i): Line => (i === 0 ? [...head, span(part, reason ? 'muted' : 'plain')] : [' '.repeat(indent), part]),
    ),
    ...off.map((part): Line => [' '.repeat(indent), span(part, 'warn')]),
  ];
}

function signRows(meanings: readonly Meaning[], drawing: Drawing): Line[] {
  return meanings.map(({ sign, meaning }) => {
    const one = signSpan(sign, drawing);
    return ['  ', { ...one, text: one.text.padEnd(10) }, span(meaning, 'muted')];
  });
}
