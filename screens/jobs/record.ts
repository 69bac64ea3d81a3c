/** What the selected job is: its command, its processes, its code, how it ended, what it uses. */
import { selectedJob } from '../../src/console/selectors.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { formatAgo, formatClock, formatElapsed, formatInstant } from '../../src/format/age.ts';
import { jobCommandLine } from '../../src/format/command.ts';
import { type Line, span } from '../../src/format/lines.ts';
import { formatBytes, formatCount, formatFixed } from '../../src/format/numbers.ts';
import type { Tone } from '../../src/format/states.ts';
import type { JobView } from '../../src/supervisor/protocol.ts';
import type { PaneContent } from '../components/pane.tsx';
import { type Drawing, jobSign, signSpan } from '../components/signs.ts';
import { hanging } from '../components/words.ts';
import { caveatRows, elapsed, progressRows } from '../overview/jobs.ts';

/** The command of a campaign is long; a pane of its own shows it whole. */
const COMMAND_ROWS = 4;

/** The record of the selected job, field by field; what is not known is not there, or says so. */
export function jobRecord(state: ConsoleState, width: number, drawing: Drawing, whole: boolean): PaneContent {
  const job = selectedJob(state);
  if (!job) return { title: 'Job', lines: [[span('No job is selected.', 'muted')]] };
  const { at } = state.snapshot;
  const field = (name: string, text: string | null | undefined, tone: Tone = 'plain'): Line[] =>
    text ? hanging([span(name.padEnd(9), 'muted')], text, width, tone) : [];
  const sign = jobSign(job.state);
  return {
    title: `Job ${job.id}`,
    note: [signSpan(sign, drawing), span(` ${formatElapsed(elapsed(job, at))}${job.kept ? ' · kept' : ''}`, 'muted')],
    lines: [
      // First, for low panes: what is left of a job that does not end is the operator's to kill.
      ...stoppingFields(job, at, field),
      ...progressRows(job, width, drawing),
      ...field('reason', job.reason, job.state === 'DONE' ? 'plain' : sign.tone),
      ...field('summary', job.summary),
      ...field('stage', job.stage),
      ...caveatRows(job),
      ...field('uses', usage(state, job)),
      ...hanging([span('command  ', 'muted')], jobCommandLine(job), width, 'plain', whole ? undefined : COMMAND_ROWS),
      ...field('started', job.startedAt === null ? 'not yet' : `${formatInstant(job.startedAt)} UTC`),
      ...field(
        'ended',
        job.endedAt === null ? null : `${formatInstant(job.endedAt)} UTC, ${formatAgo(at - job.endedAt)}`,
      ),
      ...field('exit', job.exitCode === null ? null : `code ${job.exitCode}`),
      ...field('rows', job.rows === null ? null : `${formatCount(job.rows)} written`),
      ...field('failures', job.failures === null ? null : formatCount(job.failures), job.failures ? 'warn' : 'plain'),
      ...field('pid', job.pid === null ? null : String(job.pid)),
      ...field('paused', job.paused, 'warn'),
      ...field('silent', job.stalledSince === null ? null : `since ${formatClock(job.stalledSince)} UTC`, 'warn'),
      ...field(
        'code',
        job.build === null ? '?' : `${job.build}${job.dirty ? ', with changes' : ''}`,
        job.dirty ? 'warn' : 'plain',
      ),
      ...field('config', job.config),
      ...field('data', job.data === null ? null : `${job.data} (rows and extents when it was made)`),
      ...field(
        'chain',
        job.chain && `${job.chain.name}, step ${job.chain.step} of ${job.chain.of}: ${job.chain.label}`,
      ),
      ...field('override', job.chain?.override ?? null, 'warn'),
      ...field('attempt', job.attempt && `${job.attempt.number} of ${job.attempt.of}`),
      ...field('again of', job.rerunOf),
      ...field('resource', job.resource),
      ...field('by', job.requestedBy),
      ...field('files', `${state.snapshot.home}/jobs/${job.id}/`),
    ],
  };
}

type Field = (name: string, text: string | null, tone?: Tone) => Line[];

/** A stop under way: since when, and who is left. */
function stoppingFields({ stopping }: JobView, at: number, field: Field): Line[] {
  if (!stopping) return [];
  const late = at > stopping.deadline;
  const left = stopping.survivors.map((one) => `${one.pid} ${one.command}${one.escaped ? ' (left its group)' : ''}`);
  return [
    ...field(
      'stopping',
      `TERM sent ${formatElapsed(Math.max(0, at - stopping.since))} ago${late ? '; X kills what is left' : ''}`,
      'warn',
    ),
    ...field('left', left.join(', ') || null, 'bad'),
  ];
}

/** Cores, memory, GPU memory and disk of all its processes together; null when nobody measures it. */
function usage({ snapshot }: ConsoleState, job: JobView): string | null {
  const used = snapshot.machine?.jobs?.find(({ id }) => id === job.id);
  if (!used) return job.state === 'RUN' ? '? not measured yet' : null;
  const rate = (bytes: number | null) => `${formatBytes(bytes === null ? null : Math.round(bytes))}/s`;
  return [
    `${formatFixed(used.cpuCores, 2)} cores`,
    formatBytes(used.memoryBytes),
    ...(used.gpuMemoryMiB === null ? [] : [`GPU ${formatCount(used.gpuMemoryMiB)} MiB`]),
    `reads ${rate(used.readBytesPerSecond)}`,
    `writes ${rate(used.writeBytesPerSecond)}`,
    used.processes === 1 ? '1 process' : `${formatCount(used.processes)} processes`,
  ].join(' · ');
}
