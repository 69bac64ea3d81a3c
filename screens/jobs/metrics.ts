/** The figures of the selected job: what it told as metrics, and what its processes used. */
import { answerTo, glanceOf } from '../../src/console/answers.ts';
import { isRunning, rowCount, selectedIndex, selectedRow, visibleRows } from '../../src/console/lists.ts';
import { jobProgress, selectedJob } from '../../src/console/selectors.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { formatAge } from '../../src/format/age.ts';
import { type Line, type Packed, packLine, type Span, span } from '../../src/format/lines.ts';
import { measureValue, unitWord } from '../../src/format/measure.ts';
import { distinct } from '../../src/format/names.ts';
import { formatCount } from '../../src/format/numbers.ts';
import { sparkline } from '../../src/format/spark.ts';
import { type Column, layTable } from '../../src/format/table.ts';
import type { JobView } from '../../src/supervisor/protocol.ts';
import type { KeptSeries } from '../../src/supervisor/reads.ts';
import { readAge } from '../components/age.ts';
import type { PaneContent } from '../components/pane.tsx';
import { cursor, type Drawing } from '../components/signs.ts';
import { hanging } from '../components/words.ts';
import { etaWords } from '../overview/jobs.ts';

/** Cells of the title row that the pane's own title takes. */
const TITLE = 20;
const MAX_SPARK = 60;

/** A row a series: last value, unit, how it went, and how long ago it was told. */
export function metricsPane(state: ConsoleState, width: number, drawing: Drawing): PaneContent {
  const job = selectedJob(state);
  if (!job) return { title: 'Figures', lines: [[span('There is no job whose figures could be shown.', 'muted')]] };
  const title = `Figures of ${job.id.slice(0, 4)}`;
  const answer = answerTo(state, 'jobSeries', glanceOf(job));
  const rows = visibleRows(state, 'metrics');
  const note = packLine(
    [...paceWords(job), { line: readAge(state, answer), rank: answer.problem === null ? 4 : 0 }],
    Math.max(8, width - TITLE),
    3,
  );
  if (rows.length === 0) return { title, note, lines: whyNone(state, answer, width) };
  const selected = selectedRow(state, 'metrics');
  const parallel = rows.some(({ series, source }) => series !== '' || source === 'process');
  const short = distinct(rows.map(({ series }) => series).filter(Boolean));
  const columns: Column<KeptSeries>[] = [
    {
      title: '  figure',
      max: 26,
      cell: (m) => [cursor(m === selected), span(m.name, m === selected ? 'strong' : 'plain')],
    },
    ...(parallel ? [{ title: 'of', max: 24, cell: (m: KeptSeries): Line => [ownerOf(m, short)] }] : []),
    { title: 'last', align: 'right', cell: (m) => [span(measureValue(m.last, m.unit), 'strong')] },
    { title: 'unit', max: 12, drop: 3, cell: (m) => [span(unitWord(m.unit), 'muted')] },
    {
      title: 'over time',
      grow: true,
      max: MAX_SPARK,
      drop: 2,
      cell: (m, cells) => [span(sparkline(m.mean, Math.min(cells, MAX_SPARK), drawing), 'info')],
    },
    {
      title: 'age',
      align: 'right',
      drop: 1,
      cell: (m) => [span(formatAge(state.snapshot.at - (m.t.at(-1) ?? Number.NaN)), 'muted')],
    },
  ];
  const table = layTable(columns, rows, width, drawing);
  const dropped = answer.value?.dropped ?? 0;
  return {
    title,
    note,
    header: table.header,
    lines: [
      ...table.rows,
      ...unmeasured(answer.value?.series ?? [], width),
      ...(dropped > 0 ? [[span(`  ${formatCount(dropped)} more series were not kept`, 'warn')] as Line] : []),
    ],
    selectedRow: selectedIndex(state, 'metrics'),
  };
}

/** What a job uses of the machine, as its shim measures it. */
const MEASURED = ['cpu', 'memory', 'read', 'write', 'gpu memory'] as const;

/** Figures of its processes that nobody could read are named, never taken for none. */
function unmeasured(series: readonly KeptSeries[], width: number): Line[] {
  const missing = MEASURED.filter((name) => !series.some((one) => one.source === 'process' && one.name === name));
  if (missing.length === 0) return [];
  return hanging(
    [span('  of its processes not known: ', 'muted'), span('? ', 'warn')],
    missing.join(', '),
    width,
    'warn',
  );
}

/** Whose figure it is: one of the parallel series of a program, or the processes of the job. */
const ownerOf = ({ source, series }: KeptSeries, short: (name: string) => string): Span =>
  source === 'process' ? span('processes', 'muted') : span(series && short(series));

function whyNone(
  state: ConsoleState,
  { value, problem }: { value: unknown; problem: string | null },
  width: number,
): Line[] {
  if (value === null)
    return problem ? hanging([span('? ', 'warn')], problem, width, 'warn') : [[span('reading its figures …', 'muted')]];
  if (rowCount(state, 'metrics') > 0) return [[span('No figure matches the filter.', 'muted')]];
  const waits = selectedJob(state)?.state === 'QUEUE';
  return [
    [span(waits ? 'It has not begun: no figures yet.' : 'It has told no figures, and none were measured.', 'muted')],
  ];
}

/** Units a second and the time left with its range, while it runs; unknown is said. */
function paceWords(job: JobView): Packed[] {
  if (!isRunning(job)) return [];
  const progress = jobProgress(job);
  if (!progress) return [];
  const { rate, eta, unit } = progress;
  return [
    { line: [rate === null ? span(`? ${unit}/s`, 'warn') : `${formatCount(rate)} ${unit}/s`], rank: 2 },
    { line: [eta === null ? span('? time left', 'warn') : span(`≈ ${etaWords(eta)} left`, 'info')], rank: 1 },
  ];
}
