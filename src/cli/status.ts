/** `prometheus status`: the glance without a screen. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { formatElapsed } from '../format/age.ts';
import { toAscii } from '../format/ascii.ts';
import { formatBytes, formatCount, formatPercent } from '../format/numbers.ts';
import { JOB_SIGNS } from '../format/states.ts';
import { cutToWidth } from '../format/width.ts';
import { withRunning } from '../phases/running.ts';
import type { Board } from '../phases/types.ts';
import { openDatabases } from '../platform/db/databases.ts';
import type { Target, Targets } from '../platform/db/targets.ts';
import { Exit } from '../platform/errors.ts';
import { loadSettings } from '../platform/settings.ts';
import { JobList } from '../supervisor/job-list.ts';
import type { JobView } from '../supervisor/protocol.ts';
import { GpuMonitor } from '../telemetry/gpu.ts';
import { HostSampler } from '../telemetry/host.ts';
import { MachineSampler } from '../telemetry/machine.ts';
import type { MachineSample } from '../telemetry/types.ts';
import { BOARD_POOLS, boardReader } from './board.ts';
import { defineCommand } from './command.ts';
import type { Cli } from './context.ts';
import { printJson } from './json.ts';
import { isAsciiOnly, REPORT_WIDTH, Report } from './plain-text.ts';
import { statusLine } from './status-line.ts';

/** CPU shares are over a stretch of time; the board is read meanwhile. */
const STRETCH_MS = 250;
const GPU_PATIENCE_MS = 1000;

interface Glance {
  readonly board: Board;
  readonly targets: Targets;
  readonly running: readonly JobView[];
  /** Failed jobs that were not made good by a later one of the same command. */
  readonly failed: readonly JobView[];
  readonly machine: MachineSample;
  /** What makes the exit code 1, in words. */
  readonly failures: readonly string[];
}

export const status = defineCommand({
  name: 'status',
  summary: 'phases, running jobs, failures, CPU, GPU and disk at a glance',
  description: `
Starts nothing: with the embedded server down the phases are UNKN. Exits 1 when something failed: a check, a job that no
later job of the same command made good, or a database of your own that does not answer. --line prints one line for a
prompt or a status bar, as in tmux: set -g status-right '#(prometheus status --line --width 80)'`,
  args: z.object({
    json: z.boolean().default(false).describe('print JSON'),
    line: z.boolean().default(false).describe('print one line'),
    width: z.number().int().min(10).default(REPORT_WIDTH).describe('cells that the line may take'),
  }),
  run: async (args, cli) => {
    const glance = await look(cli);
    if (args.json) printJson(cli, jsonOf(glance, cli));
    else if (args.line) cli.out(`${lineOf(glance, args.width, cli)}\n`);
    else printPage(glance, cli);
    return glance.failures.length ? Exit.failed : Exit.done;
  },
});

async function look(cli: Cli): Promise<Glance> {
  const targets = await cli.targets();
  const databases = openDatabases(targets, BOARD_POOLS);
  const gpu = new GpuMonitor({ env: cli.env });
  const sampler = new MachineSampler(new HostSampler({ diskPath: cli.home.root }), gpu, Date.now);
  const jobs = new JobList(cli.home, Date.now, loadSettings(cli.home, cli.env).jobs.stopDeadlineSeconds * 1000);
  try {
    await sampler.sample();
    const [evidence] = await Promise.all([
      boardReader(cli, databases).evaluateBoard(cli.signal),
      jobs.poll(),
      sleep(STRETCH_MS, undefined, { signal: cli.signal }),
      Promise.race([gpu.answered(), sleep(GPU_PATIENCE_MS, undefined, { ref: false })]),
    ]);
    const machine = await sampler.sample();
    const board = withRunning(evidence, jobs.views);
    const running = jobs.views.filter((job) => job.state === 'RUN' || job.state === 'QUEUE');
    const failed = lastingFailures(jobs.views);
    return { board, targets, running, failed, machine, failures: failuresOf(board, targets, failed) };
  } finally {
    gpu.close();
    await databases.close();
  }
}

/** Failed or lost jobs, newest first, without those that a later job of the same command made good. */
function lastingFailures(jobs: readonly JobView[]): JobView[] {
  const later = new Set<string>();
  return jobs.filter((job) => {
    const command = [job.program, ...job.args].join(' ');
    const isNewest = !later.has(command);
    later.add(command);
    return isNewest && (job.state === 'FAIL' || job.state === 'LOST');
  });
}

function failuresOf(board: Board, targets: Targets, failed: readonly JobView[]): string[] {
  const checks = board.phases.flatMap((phase) =>
    phase.checks.filter((check) => check.state === 'FAIL' && !check.advisory),
  );
  const reach = board.phases.flatMap((phase) => phase.checks).find((check) => check.id === 'P0.databases');
  // The embedded server is down when nobody needs it; a server of the user's own is expected to answer.
  const own = Object.values(targets).some((target: Target) => !target.embedded);
  return [
    ...checks.map((check) => `${check.id}: ${check.reason}`),
    ...(own && reach?.state === 'UNKN' ? [`${reach.id}: ${reach.reason}`] : []),
    ...failed.map((job) => `job ${job.id} ${job.state}${job.reason ? `: ${job.reason}` : ''}`),
  ];
}

function jsonOf({ board, targets, running, failed, machine, failures }: Glance, cli: Cli): object {
  const { history: _history, ...sample } = machine;
  return {
    at: board.at,
    home: cli.home.root,
    failed: failures.length > 0,
    failures,
    databases: Object.fromEntries(Object.entries(targets).map(([name, target]) => [name, target.label])),
    phases: board.phases.map(({ phase, title, state, passed, required, optional, headline }) => ({
      phase,
      title,
      state,
      passed,
      required,
      optional,
      headline,
    })),
    jobs: { running, failed },
    machine: sample,
  };
}

function lineOf({ board, running, failed, machine }: Glance, width: number, cli: Cli): string {
  const ascii = isAsciiOnly(cli.env);
  const [job] = running.filter((one) => shareDone(one) !== null);
  const facts = {
    demo: cli.home.demo,
    phases: board.phases,
    running: running.length,
    failed: failed.length,
    job: job ? { program: job.program, share: shareDone(job)!, leftMs: timeLeft(job, board.at) } : null,
    machine,
  };
  return statusLine(facts, width, { ascii, spell: ascii ? toAscii : (text) => text });
}

function printPage(glance: Glance, cli: Cli): void {
  const { board, targets, running, failed, machine, failures } = glance;
  const report = new Report(cli);
  for (const phase of board.phases) {
    const name = `${phase.phase}  ${report.state(phase.state).padEnd(7)}  ${phase.passed}/${phase.required}  `;
    report.line(cutToWidth(`${name}${phase.title}: ${phase.headline}`, REPORT_WIDTH, report.ascii ? '...' : undefined));
  }
  report.line();
  report.line(`jobs  ${running.length} running, ${failed.length} failed`);
  for (const job of [...running, ...failed]) report.text('      ', jobWords(job, board.at, report.ascii));
  report.text(
    'CPU   ',
    `${formatPercent(machine.cpu.busy, 0)} of ${machine.cpu.cores} cores · RAM ${formatBytes(machine.memory.usedBytes)} of ${formatBytes(machine.memory.totalBytes)}`,
  );
  for (const gpu of machine.gpus) {
    report.text(
      `GPU ${gpu.index} `,
      `${formatPercent(gpu.utilisation, 0)}, ${formatCount(gpu.memoryUsedMiB)} of ${formatCount(gpu.memoryTotalMiB)} MiB · ${gpu.name}`,
    );
  }
  if (machine.gpuProblem) report.text('GPU   ', `– (${machine.gpuProblem})`);
  report.text(
    'disk  ',
    `${formatBytes(machine.disk.freeBytes)} free of ${formatBytes(machine.disk.totalBytes)} at ${machine.disk.path}`,
  );
  for (const target of Object.values(targets)) report.text('db    ', target.label);
  if (failures.length) report.line();
  for (const failure of failures) report.text('failed  ', failure);
  report.print(cli);
}

function jobWords(job: JobView, now: number, ascii: boolean): string {
  const sign = JOB_SIGNS[job.state];
  const state = `${ascii ? sign.ascii : sign.symbol} ${sign.word}`;
  const took = job.startedAt === null ? '' : ` ${formatElapsed((job.endedAt ?? now) - job.startedAt)}`;
  const left = progressWords(job, now);
  return `${state} ${job.id}${took}${left ? ` · ${left}` : ''}${job.reason ? ` · ${job.reason}` : ''}`;
}

/** Progress and the time left. */
function progressWords(job: JobView, now: number): string {
  if (job.state !== 'RUN' || !job.progress) return '';
  const { done, total, unit } = job.progress;
  const share = shareDone(job);
  if (share === null) return `${formatCount(done)} ${unit}`;
  const left = timeLeft(job, now);
  return `${job.stage ? `${job.stage} ` : ''}${formatPercent(share, 0)} of ${formatCount(total)} ${unit}${left === null ? '' : ` · ${formatElapsed(left)} left`}`;
}

const shareDone = ({ state, progress }: JobView): number | null =>
  state === 'RUN' && progress?.total ? progress.done / progress.total : null;

/** Milliseconds left at the mean rate so far; no estimate before a twentieth is done. */
function timeLeft(job: JobView, now: number): number | null {
  const share = shareDone(job);
  if (share === null || share < 0.05 || job.startedAt === null) return null;
  return ((now - job.startedAt) * (1 - share)) / share;
}
