/** The checks of the selected phase as a table, and the selected one explained. */
import { rowCount, selectedIndex, selectedRow, visibleRows } from '../../src/console/lists.ts';
import { selectedPhase, trouble } from '../../src/console/selectors.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { formatAge, formatAgo } from '../../src/format/age.ts';
import { fixLine } from '../../src/format/command.ts';
import { type Line, span } from '../../src/format/lines.ts';
import { formatCount } from '../../src/format/numbers.ts';
import { type Column, layTable } from '../../src/format/table.ts';
import type { CheckResult } from '../../src/phases/types.ts';
import type { PaneContent } from '../components/pane.tsx';
import { checkSign, cursor, type Drawing, signCell, signSpan } from '../components/signs.ts';
import { hanging } from '../components/words.ts';
import { skipRows } from '../overview/phases.ts';

/** A row a check: what was seen, what is asked for, how old that is and what it cost to see. */
export function checkTable(state: ConsoleState, width: number, drawing: Drawing): PaneContent {
  const phase = selectedPhase(state);
  if (!phase)
    return {
      title: 'Checks',
      lines: hanging([], trouble(state) ?? 'The phases have not been read yet.', width, 'muted'),
    };
  const selected = selectedRow(state, 'checks');
  const { at } = state.snapshot;
  const columns: Column<CheckResult>[] = [
    {
      title: '  check',
      min: 12,
      max: 46,
      cell: (check) => [
        cursor(check === selected),
        span(check.id, check === selected ? 'strong' : 'plain'),
        span(`  ${check.title}`),
      ],
    },
    { title: 'state', cell: (check) => [signCell(checkSign(check.state), drawing)] },
    { title: 'observed', grow: true, min: 14, cell: (check) => [check.observed] },
    { title: 'required', min: 10, max: 44, drop: 1, cell: (check) => [span(check.required, 'muted')] },
    { title: '', drop: 4, cell: (check) => [span(check.advisory ? 'advisory' : '', 'muted')] },
    { title: 'age', align: 'right', drop: 2, cell: (check) => [formatAge(at - check.at)] },
    { title: 'cost', align: 'right', drop: 3, cell: (check) => [span(`${formatCount(check.costMs)} ms`, 'muted')] },
  ];
  const rows = visibleRows(state, 'checks');
  const table = layTable(columns, rows, width, drawing);
  return {
    title: `${phase.phase} ${phase.title}${phase.optional ? ' (optional)' : ''}`,
    note: [
      signSpan(checkSign(phase.state), drawing),
      span(` ${phase.passed} of ${phase.required} required checks`, 'muted'),
    ],
    header: table.header,
    lines:
      rows.length > 0
        ? table.rows
        : [
            [
              span(
                rowCount(state, 'checks') > 0 ? 'No check matches the filter.' : 'This phase has no checks.',
                'muted',
              ),
            ],
          ],
    selectedRow: selectedIndex(state, 'checks'),
  };
}

/** Why the selected check is what it is, what mends it, what it holds back and where the figure comes from. */
export function checkDetail(state: ConsoleState, width: number, drawing: Drawing, dense = false): PaneContent {
  const phase = selectedPhase(state);
  const check = selectedRow(state, 'checks');
  const field = (name: string, text: string, tone: 'plain' | 'accent' | 'muted' | 'warn' = 'plain'): Line[] =>
    text === '' ? [] : hanging([span(name.padEnd(10), 'muted')], text, width, tone);
  const ofPhase = phase
    ? [
        ...skipRows(phase, width, state.snapshot.at),
        ...phase.blockedBy.flatMap((gate) => field('phase', gate, 'warn')),
        ...field('goal', phase.goal, 'muted'),
      ]
    : [];
  if (!check) return { title: 'Why', lines: [[span('No check is selected.', 'muted')], ...ofPhase] };
  const title: Line[] = [
    [span(check.title, 'strong'), span(check.advisory ? '  advisory: holds nothing back' : '', 'muted')],
  ];
  const found = [...field('observed', check.observed), ...field('required', check.required)];
  const cause = [
    ...field('why', check.reason, check.state === 'OK' ? 'plain' : 'warn'),
    ...(check.fix ? field('fix', fixLine(check.fix), 'accent') : []),
  ];
  return {
    title: check.state === 'OK' ? `${check.id} is green` : `Why ${check.id} is not green`,
    note: [
      signSpan(checkSign(check.state), drawing),
      span(` read ${formatAgo(state.snapshot.at - check.at)}`, 'muted'),
    ],
    lines: [
      ...(dense ? [...cause, ...title, ...found] : [...title, ...found, ...cause]),
      ...ofPhase,
      ...field('source', check.source, 'muted'),
    ],
  };
}
