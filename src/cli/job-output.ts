/** Jobs as text for people and as JSON for scripts. */
import { isDeepStrictEqual } from 'node:util';
import { formatElapsed, formatInstant } from '../format/age.ts';
import { jobCommandLine, shellLine } from '../format/command.ts';
import { formatCount, formatDuration, formatFixed, formatPercent, UNKNOWN } from '../format/numbers.ts';
import { JOB_SIGNS } from '../format/states.ts';
import { environmentChanges } from '../supervisor/environment.ts';
import type { JobSpec } from '../supervisor/job-files.ts';
import type { JobRecord } from '../supervisor/job-store.ts';
import type { JobRuntime } from '../supervisor/launch.ts';
import type { JobView } from '../supervisor/protocol.ts';
import { presentCommand } from '../supervisor/rerun.ts';

/** Rows in columns, the last one ragged. */
function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]))
      .join('  ')
      .trimEnd();
  return `${rows.map(line).join('\n')}\n`;
}

const took = (job: JobView, now: number) =>
  job.startedAt === null
    ? UNKNOWN
    : formatElapsed((job.endedAt ?? (job.state === 'RUN' ? now : Number.NaN)) - job.startedAt);

const stateWord = (job: JobView) => `${JOB_SIGNS[job.state].symbol} ${JOB_SIGNS[job.state].word}`;

function progressWords(job: JobView): string {
  const paused = job.paused === null ? '' : `paused ${job.paused}`;
  return [paused, workWords(job)].filter(Boolean).join(' · ');
}

function workWords(job: JobView): string {
  if (!job.progress) return job.stage ?? '';
  const { done, total, unit } = job.progress;
  const share = total ? ` ${formatPercent(done / total, 0)}` : '';
  const { rate, eta } = job.progress;
  const pace = rate === null ? '' : `, ${formatCount(rate)} ${unit}/s`;
  const left =
    eta === null
      ? ''
      : `, ≈ ${formatDuration(eta.seconds)} left (${formatDuration(eta.low)} – ${formatDuration(eta.high)})`;
  return `${job.stage ? `${job.stage}: ` : ''}${formatCount(done)}${total === null ? '' : ` of ${formatCount(total)}`} ${unit}${share}${pace}${left}`;
}

/** What somebody should look at: it has gone quiet, or does not heed a stop. */
function troubleWords({ stalledSince, stopping, id }: JobView): string[] {
  const left = stopping?.survivors.length ?? 0;
  return [
    stalledSince === null ? '' : `stalled: nothing said since ${formatInstant(stalledSince)}`,
    left === 0
      ? ''
      : `${left === 1 ? 'a process' : `${left} processes`} of it still run${left === 1 ? 's' : ''} (job kill ${id.slice(0, 4)})`,
  ];
}

/** The table of `job ls`. */
export function jobTable(jobs: readonly JobView[], now: number): string {
  const header = ['ID', 'STATE', 'STARTED (UTC)', 'TOOK', 'EXIT', 'WHAT'];
  const row = (job: JobView) => [
    job.id,
    stateWord(job),
    formatInstant(job.startedAt ?? job.createdAt),
    took(job, now),
    job.exitCode === null ? UNKNOWN : String(job.exitCode),
    [job.reason, ...troubleWords(job), job.state === 'RUN' ? progressWords(job) : (job.summary ?? '')]
      .filter(Boolean)
      .join(' · '),
  ];
  return columns([header, ...jobs.map(row)]);
}

/** The page of `job show`. */
export function jobPage(job: JobView, record: JobRecord, now: number): string {
  const { spec, exit, status } = record;
  const cpu = exit?.cpuSeconds
    ? `${formatFixed(exit.cpuSeconds.user, 2)} s user, ${formatFixed(exit.cpuSeconds.system, 2)} s system`
    : UNKNOWN;
  const code = spec && [spec.gitSha && commitWords(spec), spec.build && `build ${spec.build}`];
  const facts: [string, string][] = [
    ['job', job.id],
    ['state', `${stateWord(job)}${job.reason ? ` (${job.reason})` : ''}`],
    ['command', jobCommandLine(job)],
    ['folder', record.folder],
    ['asked for by', job.requestedBy],
    ...(job.chain
      ? [
          ['chain', `${job.chain.name}, step ${job.chain.step} of ${job.chain.of}: ${job.chain.label}`] as [
            string,
            string,
          ],
        ]
      : []),
    ...(job.chain?.override ? [['override', job.chain.override] as [string, string]] : []),
    ...(job.attempt ? [['attempt', `${job.attempt.number} of ${job.attempt.of}`] as [string, string]] : []),
    ['runs', spec ? shellLine(spec.argv) : UNKNOWN],
    ['ran in', spec?.cwd ?? UNKNOWN],
    ['code', (code || []).filter(Boolean).join(', ') || UNKNOWN],
    ['configuration', spec?.configHash ?? UNKNOWN],
    ['data', spec?.data ?? UNKNOWN],
    ...(spec?.rerunOf ? [['rerun of', spec.rerunOf] as [string, string]] : []),
    ['created', formatInstant(job.createdAt)],
    ['started', formatInstant(job.startedAt)],
    ['ended', formatInstant(job.endedAt)],
    ['took', took(job, now)],
    ['exit code', job.exitCode === null ? UNKNOWN : String(job.exitCode)],
    ['CPU time', cpu],
    ['process', status?.child ? `${status.child.pid} (shim ${status.shim?.pid ?? UNKNOWN})` : UNKNOWN],
    ['progress', progressWords(job) || UNKNOWN],
    ['summary', job.summary ?? UNKNOWN],
    ['rows', job.rows === null ? UNKNOWN : formatCount(job.rows)],
    ...(job.stalledSince === null
      ? []
      : [['stalled', `nothing said since ${formatInstant(job.stalledSince)}`] as [string, string]]),
    ...survivorFacts(job),
  ];
  return columns(facts);
}

/** A commit, and whether the tree differed from it: `0a1b… with changes 3c4d…`. */
const commitWords = ({ gitSha, gitDirty, changes }: JobSpec) =>
  `${gitSha ?? 'no commit'}${gitDirty ? ` with changes${changes ? ` ${changes}` : ''}` : ''}`;

/** What is, or would be, otherwise in a job that repeats an earlier one, a line each. */
export function rerunNotices(id: string, before: JobSpec, after: JobSpec, runtime: Omit<JobRuntime, 'data'>): string[] {
  const notices: string[] = [];
  if (before.script) {
    const present = presentCommand(before, runtime);
    const [was, is] = [commitWords(before), commitWords(after)];
    if (was !== is) notices.push(`the code in ${after.cwd} has changed since ${id}: ${was} → ${is}`);
    const exact =
      isDeepStrictEqual(after.programArgs, before.programArgs) && isDeepStrictEqual(after.argv, before.argv);
    const line = ({ argv, cwd }: Pick<JobSpec, 'argv' | 'cwd'>) => `${shellLine(argv)} (in ${cwd})`;
    if (!present)
      notices.push(`programs.yaml has no usable '${before.program}' any more: it runs as recorded in ${id}`);
    else if (!isDeepStrictEqual([present.argv, present.cwd], [before.argv, before.cwd])) {
      const runs = exact && after.cwd === before.cwd ? 'as recorded' : 'as programs.yaml says now';
      notices.push(
        `programs.yaml has changed since ${id}; it runs ${runs}. It was: ${line(before)}; now it would be: ${line(present)}`,
      );
    }
  } else if (before.gitSha !== after.gitSha || before.build !== after.build) {
    const code = (spec: JobSpec) => spec.build ?? spec.gitSha;
    notices.push(`the code has changed since ${id}: ${code(before)} → ${code(after)}`);
  }
  const { unset, other, added } = environmentChanges(before, after);
  const differs = [
    unset.length > 0 && `not set now: ${unset.join(', ')}`,
    other.length > 0 && `with another value: ${other.join(', ')}`,
    added.length > 0 && `not set then: ${added.join(', ')}`,
  ].filter(Boolean);
  if (differs.length > 0) notices.push(`the environment is not that of ${id}: ${differs.join('; ')}`);
  return notices;
}

/** What is left of a job that was asked to stop, and how to end it. */
function survivorFacts(job: JobView): [string, string][] {
  const { survivors = [] } = job.stopping ?? {};
  if (survivors.length === 0) return [];
  return [
    ...survivors.map(({ pid, command, escaped }): [string, string] => [
      'still runs',
      `${pid} ${command}${escaped ? ' (left the group of the job)' : ''}`,
    ]),
    ['to end it', `prometheus job kill ${job.id}`],
  ];
}

/** Everything on record as one JSON object. */
export function jobJson(job: JobView, record: JobRecord): object {
  return { job, folder: record.folder, spec: record.spec, status: record.status, exit: record.exit, stop: record.stop };
}
