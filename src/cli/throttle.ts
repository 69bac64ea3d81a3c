/** `prometheus job pause|resume`, `prometheus backfill throttle`: how gently open backfills go, on all machines at once. */
import { loadavg } from 'node:os';
import { z } from 'zod';
import { Exit, type ExitCode, UsageError } from '../platform/errors.ts';
import { restReason } from '../queue/throttle.ts';
import { throttleArgs, throttleOf } from '../queue/throttle-args.ts';
import { changeThrottle, type OpenBackfill, openBackfills } from '../queue/throttle-store.ts';
import { backfillOfJob } from '../supervisor/job-backfill.ts';
import { findJobId, readJob } from '../supervisor/job-store.ts';
import { defineCommand } from './command.ts';
import type { Cli } from './context.ts';
import { printJson } from './json.ts';

const job = z.string().describe('id, number, or `last`');

export const jobPause = defineCommand({
  name: 'job pause',
  summary: 'a running backfill begins no further shard, on no machine',
  description: `
Shards that are being written end first; then its workers, here and elsewhere, hold no transaction and use no CPU until
prometheus job resume. The pause is the backfill's own: it outlives the job, and holds for its --resume too.`,
  args: z.object({ job }),
  positionals: ['job'],
  run: (args, cli) => setPaused(args.job, true, cli),
});

export const jobResume = defineCommand({
  name: 'job resume',
  summary: 'a paused backfill goes on',
  description: 'Within a second, on all machines. What a night window or the load holds back stays held back.',
  args: z.object({ job }),
  positionals: ['job'],
  run: (args, cli) => setPaused(args.job, false, cli),
});

async function setPaused(name: string, paused: boolean, cli: Cli): Promise<ExitCode> {
  const id = findJobId(cli.home, name);
  const backfill = backfillOfJob(readJob(cli.home, id));
  const { historical } = await cli.databases({ application: 'job pause' });
  await changeThrottle(historical, backfill, { paused });
  cli.err(paused ? `${id} pauses after its present shards\n` : `${id} goes on\n`);
  return Exit.done;
}

export const backfillThrottle = defineCommand({
  name: 'backfill throttle',
  summary: 'show or change how gently open backfills go: CPU share, hours of the day, load, pause',
  description: `
Without flags: the open backfills of these databases, how they go, and what holds them at the moment. With flags: changes
that one (by its id or the beginning of it; left out where only one is open), for its workers on all machines, within a
second. --off takes every other limit away.

Example: prometheus backfill throttle --window 20:00-06:00 --time-zone Europe/Zurich --cpu-share 0.5`,
  args: z.object({
    backfill: z.string().min(1).optional().describe('id of a backfill, or how it begins'),
    ...throttleArgs,
    pause: z.boolean().default(false).describe('begin no further shard'),
    resume: z.boolean().default(false).describe('go on after a pause'),
    off: z.boolean().default(false).describe('no limit but those that are given with it'),
    json: z.boolean().default(false).describe('print JSON'),
  }),
  positionals: ['backfill'],
  run: async (args, cli) => {
    if (args.pause && args.resume) throw new UsageError('--pause and --resume contradict each other', 'Give one.');
    const throttle = throttleOf(args);
    const paused = args.pause ? true : args.resume ? false : undefined;
    const { historical } = await cli.databases({ application: 'backfill throttle' });
    if (args.off || Object.keys(throttle).length > 0 || paused !== undefined) {
      const { id } = chosen(await openBackfills(historical), args.backfill);
      await changeThrottle(historical, id, { throttle, paused, fromNothing: args.off });
    }
    const shown = (await openBackfills(historical)).filter(({ id }) => id.startsWith(args.backfill ?? ''));
    if (args.json) printJson(cli, { backfills: shown.map((one) => ({ ...one, rests: restsNow(one) })) });
    else if (shown.length) cli.out(`${shown.map(line).join('\n')}\n`);
    else cli.err('no backfill is open\n');
    return Exit.done;
  },
});

/** @throws UsageError when the name fits no open backfill, or several. */
function chosen(open: readonly OpenBackfill[], name = ''): OpenBackfill {
  const fitting = open.filter(({ id }) => id.startsWith(name));
  if (fitting.length === 1) return fitting[0];
  throw new UsageError(
    name ? `${fitting.length} open backfills begin with '${name}'` : `${fitting.length} backfills are open`,
    'Name one of: prometheus backfill throttle',
  );
}

const restsNow = ({ throttle, paused }: OpenBackfill) =>
  restReason(throttle, paused, { now: Date.now(), load: loadavg()[0] });

function line(one: OpenBackfill): string {
  const { cpuShare, window, timeZone = 'UTC', maxLoad } = one.throttle;
  const limits = [
    cpuShare !== undefined && `CPU share ${cpuShare}`,
    window !== undefined && `shards begin ${window} ${timeZone}`,
    maxLoad !== undefined && `load up to ${maxLoad}`,
  ].filter(Boolean);
  const reason = restsNow(one);
  const what = `${one.models.join(', ')} over ${one.start} … ${one.end}`;
  return `${one.id}  ${reason === null ? 'may work' : `paused ${reason}`}  ${limits.join(', ') || 'no limit'}  ${what}`;
}
