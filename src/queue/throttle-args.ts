/** The flags of a throttle, for the declaration of every backfill. Data only. */
import { z } from 'zod';
import { isTimeZone, parseWindow, type Throttle } from './throttle.ts';

export const throttleArgs = {
  cpuShare: z
    .number()
    .gt(0)
    .max(1)
    .optional()
    .describe('share of its time that each worker works; it rests between shards'),
  window: z
    .string()
    .refine((text) => parseWindow(text) !== null, { message: 'is no window; write it as 20:00-06:00' })
    .optional()
    .describe('hours in which shards are begun, as 20:00-06:00 (00:00-24:00: always)'),
  timeZone: z
    .string()
    .refine(isTimeZone, { message: 'is no time zone; write it as Europe/Zurich' })
    .optional()
    .describe('zone whose clock --window means (default: UTC)'),
  maxLoad: z
    .number()
    .min(0)
    .optional()
    .describe("begin no shard while the machine's 1-minute load average is above this"),
};

/** The settings among the arguments; what was not given is not in them. */
export function throttleOf({ cpuShare, window, timeZone, maxLoad }: Throttle): Throttle {
  return {
    ...(cpuShare !== undefined && { cpuShare }),
    ...(window !== undefined && { window }),
    ...(timeZone !== undefined && { timeZone }),
    ...(maxLoad !== undefined && { maxLoad }),
  };
}
