/** The figures of the selected job: what it told as metrics, and what its processes used. */
import { answerTo, glanceOf } from '../../src/console/answers.ts';
import { isRunning, rowCount, selectedIndex, selectedRow, visibleRows } from '../../src/console/lists.ts';
import { jobProgress, selectedJob } from '../../src/console/selectors.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { formatAge } from '../../src/format/age.ts';
import { type Line, lineWidth, MARK_CELLS, type Packed, packLine, type Span, span } from '../../src/format/lines.ts';
import { measureText, measureValue, unitWord } from '../../src/format/measure.ts';
import { distinct } from '../../src/format/names.ts';
import { formatCount, formatDuration } from '../../src/format/numbers.ts';
import { sparkline } from '../../src/format/spark.ts';
import { type Column, layTable } from '../../src/format/table.ts';
import type { JobView } from '../../src/supervisor/protocol.ts';
import type { KeptSeries } from '../../src/supervisor/reads.ts';
import { readAge } from '../components/age.ts';
import type { PaneContent } from '../components/pane.tsx';
import { cursor, type Drawing } from '../components/signs.ts';
import { hanging } from '../components/words.ts';
import { etaWords } from '../overview/jobs.ts';

/** Cells between two pieces of the title row. */
const GAP = 3;
/**
 * How the rows get narrower, as far as is needed: units stand behind their values (a figure without its unit is none), then
 * names are cut and ages left out, before it is left out how a figure went.
 */
const LAYOUTS = [
  { joined: false, name: 26, owner: 24, ageDrop: 1 },
  { joined: true, name: 26, owner: 17, ageDrop: 1 },
  { joined: true, name: 14, owner: 11, ageDrop: 3 },
] as const;
const MAX_SPARK = 60;

/** A row a series: last value, unit, how it went, and how long ago it was told. */
export function metricsPane(state: ConsoleState, width: number, drawing: Drawing): PaneContent {
  const job = selectedJob(state);
  if (!job) return { title: 'Figures', lines: [[span('There is no job whose figures could be shown.', 'muted')]] };
  const title = `Figures of ${job.id.slice(0, 4)}`;
  const answer = answerTo(state, 'jobSeries', glanceOf(job));
  const rows = visibleRows(state, 'metrics');
  const age = readAge(state, answer);
  const note = (room: number) =>
    packLine(
      [...paceWords(job, room, lineWidth(age)), { line: age, rank: answer.problem === null ? 4 : 0 }],
      room,
      GAP,
    );
  if (rows.length === 0) return { title, note, lines: whyNone(state, answer, width) };
  const selected = selectedRow(state, 'metrics');
  const parallel = rows.some(({ series, source }) => series !== '' || source === 'process');
  const short = distinct(rows.map(({ series }) => series).filter(Boolean));
  const columns = ({ joined, name, owner, ageDrop }: (typeof LAYOUTS)[number]): Column<KeptSeries>[] => [
    {
      title: '  figure',
      max: name,
      cell: (m) => [cursor(m === selected), span(m.name, m === selected ? 'strong' : 'plain')],
    },
    ...(parallel ? [{ title: 'of', max: owner, cell: (m: KeptSeries): Line => [ownerOf(m, short)] }] : []),
    {
      title: 'last',
      align: 'right',
      cell: (m) => [span((joined ? measureText : measureValue)(m.last, m.unit), 'strong')],
    },
    ...(joined
      ? []
      : [{ title: 'unit', max: 12, drop: 3, cell: (m: KeptSeries) => [span(unitWord(m.unit), 'muted')] }]),
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
      drop: ageDrop,
      cell: (m) => [span(formatAge(state.snapshot.at - (m.t.at(-1) ?? Number.NaN)), 'muted')],
    },
  ];
  const tables = LAYOUTS.map((layout) => layTable(columns(layout), rows, width, drawing));
  // Where even cut names leave no room for how they went, they are not cut.
  const table = tables.find(({ left }) => left.every((title) => title === 'age')) ?? tables[1];
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

/** Units a second and the time left, with its range where both have room; unknown is said. */
function paceWords(job: JobView, room: number, age: number): Packed[] {
  if (!isRunning(job)) return [];
  const progress = jobProgress(job);
  if (!progress) return [];
  const { rate, eta, unit } = progress;
  const words: Line = rate === null ? [span(`? ${unit}/s`, 'warn')] : [`${formatCount(rate)} ${unit}/s`];
  const left = (time: string): Line => [span(`≈ ${time} left`, 'info')];
  const whole: Line = eta === null ? [span('? time left', 'warn')] : left(etaWords(eta));
  // Unlike a rate among the figures, which is that of the last moment.
  const full: Line = rate === null ? words : [span('median ', 'muted'), ...words];
  const pace = lineWidth(full) + lineWidth(whole) + age + 2 * GAP <= room ? full : words;
  // Where the age has no room there is the mark of that.
  const both = lineWidth(pace) + GAP + lineWidth(whole) + MARK_CELLS;
  const time = eta === null || both <= room ? whole : left(formatDuration(eta.seconds));
  return [
    { line: pace, rank: 2 },
    { line: time, rank: 1 },
  ];
}
