/** Jobs: the list, and what the selected one is doing. */
import { isRunning, rowCount, selectedIndex, visibleRows } from '../../src/console/lists.ts';
import { toldWords } from '../../src/console/log/line.ts';
import { visibleText } from '../../src/console/log/text.ts';
import {
  byName,
  firstFix,
  jobProgress,
  launchCommand,
  selectedJob,
  selectedPhase,
} from '../../src/console/selectors.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { formatAge, formatElapsed } from '../../src/format/age.ts';
import { progressBar } from '../../src/format/bars.ts';
import { commandLine, fixLine, jobCommandLine } from '../../src/format/command.ts';
import { type Line, lineWidth, MARK_CELLS, type Packed, packLine, span } from '../../src/format/lines.ts';
import { measureText } from '../../src/format/measure.ts';
import { formatCount, formatDuration, formatPercent, UNKNOWN } from '../../src/format/numbers.ts';
import { sparkline } from '../../src/format/spark.ts';
import { type Column, layTable } from '../../src/format/table.ts';
import { wrapText } from '../../src/format/width.ts';
import type { JobDetail, JobView, MetricSeries } from '../../src/supervisor/protocol.ts';
import type { PaneContent } from '../components/pane.tsx';
import { cursor, type Drawing, jobSign, signCell, signSpan } from '../components/signs.ts';

const MINI_BAR = 8;
/** Below this many cells names of jobs are cut, so that what became of them has room. */
const NARROW = 50;
/** Below this many cells of its own an outcome is told without its age. */
const AGE_FROM = 20;

/** All jobs, newest first. */
export function jobTable(state: ConsoleState, width: number, drawing: Drawing): PaneContent {
  const { at } = state.snapshot;
  const jobs = visibleRows(state, 'jobs');
  const selected = selectedJob(state);
  const columns: Column<JobView>[] = [
    { title: '  state', cell: (job) => [cursor(job.id === selected?.id), signCell(jobSign(job.state), drawing)] },
    {
      title: 'job',
      max: width < NARROW ? 14 : width < 70 ? 22 : 34,
      min: 12,
      cell: (job) => [span(job.id, job.id === selected?.id ? 'strong' : 'plain')],
    },
    { title: 'for', align: 'right', drop: 2, cell: (job) => [formatElapsed(elapsed(job, at))] },
    {
      title: width < NARROW ? 'outcome' : 'progress or outcome',
      grow: true,
      min: width < NARROW ? 12 : 20,
      drop: 1,
      cell: (job, cells) => outcome(job, state, drawing, cells),
    },
  ];
  const table = layTable(columns, jobs, width, drawing);
  const running = jobs.filter((job) => job.state === 'RUN').length;
  const queued = jobs.filter((job) => job.state === 'QUEUE').length;
  return {
    title: 'Jobs',
    note: state.connected
      ? [
          span(
            `${running} running · ${formatCount(queued)} queued · ${formatCount(jobs.length - running - queued)} ended`,
            running ? 'info' : 'muted',
          ),
        ]
      : [span('? unknown', 'warn')],
    header: jobs.length > 0 ? table.header : undefined,
    lines: jobs.length > 0 ? table.rows : noJob(state),
    selectedRow: selectedIndex(state, 'jobs'),
  };
}

function noJob(state: ConsoleState): Line[] {
  if (rowCount(state, 'jobs') > 0) return [[span('No job matches the filter.', 'muted')]];
  if (!state.connected) return [[span('? unknown', 'warn'), span(': the job folders have not been read yet', 'muted')]];
  return [[span('No job has run in this home yet.', 'muted')]];
}

/** How long it has run; unknown for a job that ended without telling when. */
export function elapsed(job: JobView, now: number): number | null {
  if (job.startedAt === null) return null;
  return job.endedAt === null ? (isRunning(job) ? now - job.startedAt : null) : job.endedAt - job.startedAt;
}

/** The one thing to know about a job: how far it is and at what, why it is not well, or what it did. */
function outcome(job: JobView, { snapshot }: ConsoleState, drawing: Drawing, cells: number): Line {
  const now = snapshot.at;
  if (isRunning(job)) {
    const { done = 0, total = null } = job.progress ?? {};
    const bar: Line = total
      ? [span(progressBar(done / total, MINI_BAR, drawing), 'info'), ` ${formatPercent(done / total, 0)}  `]
      : [];
    const eta = job.progress?.eta ?? null;
    if (job.paused !== null) return [span(`paused ${job.paused}  `, 'warn'), ...bar];
    return [
      ...bar,
      ...(eta === null ? [] : [span(`≈ ${formatDuration(eta.seconds)} left  `, 'info')]),
      span(job.reason || job.stage || untold(job), job.reason ? 'warn' : 'plain'),
    ];
  }
  const said = [job.reason, job.summary].filter(Boolean).join(' · ') || 'no closing word';
  const tone = job.state === 'DONE' ? 'plain' : jobSign(job.state).tone;
  return [
    ...(job.endedAt === null || cells < AGE_FROM ? [] : [span(`${formatAge(now - job.endedAt)}  `.padEnd(6), 'muted')]),
    span(said, tone),
  ];
}

/** What is said of a job that tells no stage: it may never do. How far it is stands before it where the whole is known. */
function untold({ state, progress }: JobView): string {
  if (state === 'QUEUE') return 'not begun';
  if (!progress) return 'no progress reported';
  return progress.total ? '' : `${formatCount(progress.done)} ${progress.unit}`;
}

/** The command of a campaign is long; only a pane of its own shows it whole. */
const COMMAND_ROWS = 2;

/** The selected job: stage, progress with rate and time left, its metrics as series, its command. */
export function jobDetail(state: ConsoleState, width: number, drawing: Drawing, whole: boolean): PaneContent {
  const job = selectedJob(state);
  if (!job) return { title: 'Next', lines: nextStep(state, width) };
  const detail = state.snapshot.detail?.id === job.id ? state.snapshot.detail : null;
  const now = state.snapshot.at;
  return {
    title: `Job ${job.id}`,
    note: (room) =>
      packLine(
        [
          ...(isRunning(job) ? [{ line: [stageWords(job)], rank: 2 }] : []),
          {
            line: [signSpan(jobSign(job.state), drawing), span(` ${formatElapsed(elapsed(job, now))}`, 'muted')],
            rank: 1,
          },
        ],
        room,
      ),
    lines: [
      ...progressRows(job, width, drawing),
      ...endRows(job, width),
      ...caveatRows(job),
      ...(detail ? metricRows(detail.metrics, width, drawing) : [[span('reading its output …', 'muted')] as Line]),
      ...wrapText(
        `${jobCommandLine(job)}${job.build ? `   (build ${job.build})` : ''}`,
        width,
        whole ? undefined : COMMAND_ROWS,
      ).map((part): Line => [span(part, 'muted')]),
    ],
  };
}

/** Equity that fills at the same close, pays nothing or knows who survives is no figure to trade on; its arguments tell before it is recorded. */
export function caveatRows(job: JobView): Line[] {
  if (!job.program.startsWith('backtest ') && job.program !== 'sweep') return [];
  const value = (flag: string) => job.args[job.args.indexOf(flag) + 1];
  const given = (flag: string, free: string) => job.args.includes(flag) && value(flag) !== free;
  const costs = given('--slippage-bps', '0') || given('--commission-bps', '0');
  const caveats = [
    ...(given('--fill', 'close') || costs ? [] : ['same-close, no costs: not tradable']),
    ...(job.args.includes('--universe-dates') ? [] : ['survivors only']),
  ];
  return caveats.length > 0 ? [[span(caveats.join('; '), 'warn')]] : [];
}

/** With no job there is nothing to watch yet: what to do instead. */
function nextStep(state: ConsoleState, width: number): Line[] {
  const words = (text: string, tone: 'plain' | 'muted' | 'strong' = 'plain', indent = 0): Line[] =>
    wrapText(text, width - indent).map((part): Line => [' '.repeat(indent), span(part, tone)]);
  const phase = selectedPhase(state);
  if (!phase) return words('What to do next is known when the phases have been read.', 'muted');
  const command = launchCommand(state);
  const later =
    'A job’s progress, metrics and log stand here while it runs. It keeps running when this console closes.';
  const fix = firstFix(state);
  if (!command) {
    return [
      ...words(`${phase.phase} ${phase.title}`, 'strong'),
      ...(fix
        ? [...words('First, in a shell:'), ...words(fixLine(fix), 'muted', 2)]
        : words('Nothing here can be launched from this screen.')),
      [],
      ...words(later, 'muted'),
    ];
  }
  return [
    ...words(`${phase.phase} ${phase.title}: ${command.label}`, 'strong'),
    [span('n', 'accent', { bold: true }), ' launches it, after asking:'],
    ...words(commandLine(command.argv), 'muted', 2),
    [],
    ...words(later, 'muted'),
  ];
}

const stageWords = (job: JobView): string => job.stage ?? (job.state === 'QUEUE' ? 'not begun' : 'no stage reported');

export function progressRows(job: JobView, width: number, drawing: Drawing): Line[] {
  const progress = jobProgress(job);
  if (!progress) return job.state === 'RUN' ? [[span('no progress reported so far', 'muted')]] : [];
  const { done, total, unit, share, rate, eta } = progress;
  const room = Math.max(8, width - 12);
  const portion: Line = [share === null ? '  –  ' : formatPercent(share, 0).padStart(5)];
  const left = (time: string): Line => [span(`≈ ${time} left`, 'info')];
  // The range gives way to the share, which is always told.
  const always = (time: Line) => lineWidth([...portion, '  ', ...time]) + MARK_CELLS;
  const time = eta && (always(left(etaWords(eta))) <= room ? left(etaWords(eta)) : left(formatDuration(eta.seconds)));
  const figures = (median: boolean): Packed[] => [
    { line: portion, rank: 1 },
    { line: [`${formatCount(done)} of ${total === null ? 'unknown' : formatCount(total)} ${unit}`], rank: 2 },
    ...(rate === null
      ? []
      : [{ line: [...(median ? [span('median ', 'muted')] : []), `${formatCount(rate)} ${unit}/s`], rank: 3 }]),
    ...(time === null ? [] : [{ line: time, rank: 1 }]),
  ];
  // What kind of rate it is gives way to the rate itself.
  const all = figures(true);
  const fits = all.reduce((sum, { line }) => sum + lineWidth(line) + 2, -2) <= room;
  const words = packLine(fits ? all : figures(false), room);
  const bar = Math.max(8, width - lineWidth(words) - 2);
  return [[span(progressBar(share, bar, drawing), jobSign(job.state).tone), '  ', ...words]];
}

/** The time left, with its range where the pace is uneven. */
export function etaWords({ seconds, low, high }: { seconds: number; low: number; high: number }): string {
  const range =
    formatDuration(low) === formatDuration(high) ? '' : ` (${formatDuration(low)} – ${formatDuration(high)})`;
  return `${formatDuration(seconds)}${range}`;
}

/** How it ended. */
function endRows(job: JobView, width: number): Line[] {
  const tone = job.state === 'DONE' ? 'plain' : jobSign(job.state).tone;
  const said = [job.reason, job.summary].filter((text) => text);
  return said.flatMap((text) => wrapText(text as string, width, 3).map((part): Line => [span(part, tone)]));
}

const MAX_SPARK = 60;
const SMALL_SPARK = 8;

/** Metrics as rows; when several series report the same metrics, a row a series with a column a metric. */
function metricRows(metrics: readonly MetricSeries[], width: number, drawing: Drawing): Line[] {
  const spark = (m: MetricSeries | undefined, cells: number): Line =>
    m ? [span(sparkline(m.points, cells, drawing), 'info')] : [];
  const names = [...new Set(metrics.map((m) => m.name))];
  const series = [...new Set(metrics.map((m) => m.series))].sort(byName);
  if (series.length < 2 || names.length < 2) {
    const columns: Column<MetricSeries>[] = [
      { title: 'metric', max: 24, cell: (m) => [series.length > 1 ? m.series : metricTitle(m.name)] },
      { title: 'last', align: 'right', cell: (m) => [span(metricValue(m), 'strong')] },
      {
        title: 'over time',
        grow: true,
        max: MAX_SPARK,
        drop: 1,
        cell: (m, cells) => spark(m, Math.min(cells, MAX_SPARK)),
      },
    ];
    return [...layTable(columns, metrics, width, drawing).rows];
  }
  const find = (one: string, name: string) => metrics.find((m) => m.series === one && m.name === name);
  const columns: Column<string>[] = [
    { title: '', max: 24, cell: (one) => [span(one)] },
    ...names.flatMap((name, i): Column<string>[] => [
      // The first metric is the main one: its column stays and its line gets the room.
      {
        title: metricTitle(name),
        align: 'right',
        drop: i * 2,
        cell: (one) => [span(valueOr(find(one, name)), i === 0 ? 'strong' : 'plain')],
      },
      i === 0
        ? {
            title: '',
            grow: true,
            max: 40,
            drop: names.length * 2 + 1,
            cell: (one, cells) => spark(find(one, name), Math.min(cells, 40)),
          }
        : { title: '', drop: names.length * 2 + 1 + i, cell: (one) => spark(find(one, name), SMALL_SPARK) },
    ]),
  ];
  const table = layTable(columns, series, width, drawing);
  return [table.header, ...table.rows];
}

/** The pace beside the bar is the median of some minutes; a rate that a program tells is that of its last moment. */
const metricTitle = (name: string): string => (name === 'rate' ? 'rate, last' : name);

const valueOr = (metric: MetricSeries | undefined): string => (metric ? metricValue(metric) : UNKNOWN);

const metricValue = ({ last, unit }: MetricSeries): string => measureText(last, unit);

/** The end of the job's output. */
export function jobLog(state: ConsoleState): PaneContent {
  const job = selectedJob(state);
  const detail = state.snapshot.detail;
  if (!job || detail?.id !== job.id) {
    return {
      title: 'Log',
      lines: [[span(job ? 'reading its output …' : 'There is no job whose output could be shown.', 'muted')]],
    };
  }
  const following = !state.scroll.log;
  const both = new Set(detail.log.map((entry) => entry.stream)).size > 1;
  return {
    title: `Log of ${job.id}`,
    fromEnd: true,
    note: [
      ...(both && !detail.timed ? [span('no times: stdout before stderr · ', 'warn')] : []),
      following ? span('following', 'info') : span(`${formatCount(state.scroll.log)} rows up · f follows`, 'warn'),
    ],
    lines:
      detail.log.length > 0
        ? detail.log.map(
            (entry): Line => [...(both ? [span(entry.stream === 'out' ? 'out ' : 'err ', 'muted')] : []), entry.text],
          )
        : saidSoFar(detail),
  };
}

/** What a job that has printed nothing has told as events, in the words of its log; figures stand above. */
function saidSoFar({ events }: JobDetail): Line[] {
  const said = events.flatMap((event) => toldWords(event, () => visibleText(JSON.stringify(event))) ?? []);
  if (said.length === 0) return [[span('It has said nothing so far.', 'muted')]];
  return said.map((words): Line => [span('evt ', 'muted'), words.text]);
}
