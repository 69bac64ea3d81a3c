/** The models of the home, and the selected one. */
import { answerTo } from '../../src/console/answers.ts';
import { selectedIndex, selectedRow, visibleRows } from '../../src/console/lists.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { type Line, span } from '../../src/format/lines.ts';
import { formatBytes, formatCount, formatFixed, UNKNOWN } from '../../src/format/numbers.ts';
import { type Column, layTable } from '../../src/format/table.ts';
import type { ModelSummary } from '../../src/supervisor/reads.ts';
import { agedNote } from '../components/age.ts';
import type { PaneContent } from '../components/pane.tsx';
import { cursor, type Drawing, unknown } from '../components/signs.ts';
import { hanging } from '../components/words.ts';

/** A row a model. */
export function modelTable(state: ConsoleState, width: number, drawing: Drawing): PaneContent {
  const answer = answerTo(state, 'models', {});
  const { value, problem } = answer;
  const title = 'Models';
  if (value === null) return { title, lines: [problem ? unknown(problem) : [span('reading the models …', 'muted')]] };
  const rows = visibleRows(state, 'models');
  if (rows.length === 0)
    return {
      title,
      lines: [
        [span(value.length > 0 ? 'No model matches the filter.' : 'No model yet: Phase 2 brings the first.', 'muted')],
      ],
    };
  const selected = selectedRow(state, 'models');
  const columns: Column<ModelSummary>[] = [
    {
      title: '  model',
      min: 24,
      max: 30,
      grow: true,
      cell: (model) => [cursor(model === selected), span(model.id, model === selected ? 'strong' : 'plain')],
    },
    {
      title: 'kind',
      drop: 2,
      cell: (model) => [model.problem ? span('? unreadable', 'bad') : (model.kind ?? UNKNOWN)],
    },
    { title: 'dim', align: 'right', cell: (model) => [formatCount(model.dim)] },
    { title: 'fitted on', drop: 1, cell: (model) => [span(fitWords(model), 'muted')] },
    { title: 'size', align: 'right', drop: 3, cell: (model) => [formatBytes(model.bytes)] },
  ];
  const table = layTable(columns, rows, width, drawing);
  return {
    title,
    note: agedNote(state, answer, String(rows.length)),
    header: table.header,
    lines: table.rows,
    selectedRow: selectedIndex(state, 'models'),
  };
}

const fitWords = ({ fitted }: ModelSummary): string => (fitted ? `${fitted.first} → ${fitted.last}` : UNKNOWN);

/** What is on record about the selected model. */
export function modelDetail(state: ConsoleState, width: number): PaneContent {
  const model = selectedRow(state, 'models');
  if (!model) return { title: 'Model', lines: [[span('No model is selected.', 'muted')]] };
  const field = (name: string, text: string): Line[] =>
    text === '' ? [] : hanging([span(name.padEnd(10), 'muted')], text, width, 'plain');
  const coverage = state.snapshot.board?.coverage.rows.find((row) => row.name === model.id);
  return {
    title: model.id,
    lines: [
      ...(model.problem ? hanging([span('? ', 'bad')], model.problem, width, 'bad') : []),
      ...field('entities', model.entities.join(', ').toLowerCase()),
      ...field('fitted', model.fitted ? `on ${fitWords(model)}; its vectors are refused inside that span` : ''),
      ...field(
        'probes',
        Object.entries(model.probes)
          .map(([name, value]) => `${name} ${formatFixed(value, 3)}`)
          .join(' · '),
      ),
      ...field(
        'vectors',
        coverage
          ? (coverage.problem ??
              `${formatCount(coverage.rows)} rows, ${coverage.first ?? UNKNOWN} → ${coverage.last ?? UNKNOWN}`)
          : 'not counted: the board does not ask for this model',
      ),
    ],
  };
}
