/** How a job is run, whatever it does: the flags of `job start` beside the program's own. */
import { z } from 'zod';
import type { LaunchPolicy } from '../supervisor/protocol.ts';

const seconds = (what: string) => z.number().min(0).optional().describe(what);

export const policyArgs = {
  after: z.array(z.string()).optional().describe('begin when this job has ended well; repeatable'),
  allowPartial: z.boolean().default(false).describe('with --after: PART counts as well'),
  timeout: seconds('TERM after so many seconds, KILL 30 s later (or after --kill-after); 0: never'),
  killAfter: seconds('after a stop or timeout: KILL by itself after so many seconds'),
  stall: seconds('call it stalled after so many seconds of silence; 0: never'),
  nice: z.number().int().min(0).max(19).optional().describe('lower its CPU priority'),
  ioClass: z.enum(['idle', 'best-effort']).optional().describe('its IO priority'),
  attempts: z.number().int().min(1).max(100).optional().describe('try again when it fails, so many times in all'),
  backoff: seconds('pause before the second attempt; doubles with each further one (default: 30)'),
};

/** The same as a schema of its own, for forms. */
export const policySchema = z.object(policyArgs);

const milliseconds = (value: number | undefined) => (value === undefined ? undefined : value * 1000);
const orNever = (value: number | undefined) => (value === 0 ? null : milliseconds(value));

/** What a request for a job says of it. */
export function policyOf(args: z.infer<typeof policySchema>): LaunchPolicy {
  return {
    after: args.after,
    allowPartial: args.allowPartial,
    limits: {
      timeoutMs: orNever(args.timeout),
      killAfterMs: milliseconds(args.killAfter),
      stallMs: orNever(args.stall),
      nice: args.nice,
      ioClass: args.ioClass,
    },
    retry: args.attempts ? { attempts: args.attempts, backoffMs: (args.backoff ?? 30) * 1000 } : undefined,
  };
}
