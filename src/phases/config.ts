/** `configs/phases.yaml`: the thresholds of the board, one schema, with the user's own values laid over them. */
import { z } from 'zod';
import { tryParseDay } from '../platform/dates.ts';
import type { Home } from '../platform/home.ts';
import { loadLayers } from '../platform/layers.ts';

const date = z
  .string()
  .refine((text) => tryParseDay(text) !== null, { message: 'is not a date; write it as YYYY-MM-DD' });
const share = z.number().min(0).max(1);
const count = z.number().int().min(0);
const span = { start: date, end: date };
/** `sleeve:strategy:market:universe:portfolio:assess:horizon`, as on the command line. */
const sleeve = z.string().regex(/^([^:]+:){6}\d+$/, {
  message: 'is not sleeve:strategy:market:universe:portfolio:assess:horizon',
});
const ordered = (s: { start: string; end: string }) => s.start <= s.end;
const orderedSpan = { message: 'end lies before start' };

const prices = z.strictObject(span).refine(ordered, orderedSpan);

const phaseConfigSchema = z.strictObject({
  market: z.string().min(1),
  prices,
  gaps: z.strictObject({ minShare: share, marketDays: count, instrumentDays: count, instrumentShare: share }),
  news: z.strictObject({ fromYear: z.number().int().min(1900).max(2200), minYears: z.number().min(0) }),
  campaign: z
    .strictObject({
      ...span,
      initialCash: z.number().positive(),
      maxWorkers: z.number().int().min(1),
      strategy: z.string().min(1),
      sleeves: z.array(sleeve).min(1),
    })
    .refine(ordered, orderedSpan),
  numeric: z
    .strictObject({
      ...span,
      windowDays: z.number().int().min(2),
      minShare: share,
      models: z.array(z.string()).min(1),
      trial: z.strictObject({ ...span, limit: z.number().int().min(1) }).refine(ordered, orderedSpan),
    })
    .refine(ordered, orderedSpan),
  lambda: z
    .strictObject({
      ...span,
      minShare: share,
      trainStart: date,
      horizons: z.array(z.int().min(1)).min(1),
      minGain: z.number().min(0).max(1),
    })
    .refine(ordered, orderedSpan),
  context: z
    .strictObject({
      ...span,
      minShare: share,
      branchShare: share,
      textModel: z.string().min(1),
      jointModels: z.array(z.string()).min(1),
      encoderStart: date,
      encoderEnd: date,
      headEnd: date,
      priceGapDays: count,
      newsGapDays: count,
    })
    .refine(ordered, orderedSpan)
    .refine(
      (c) => c.encoderStart < c.encoderEnd && c.encoderEnd < c.start && c.start <= c.headEnd && c.headEnd < c.end,
      {
        message:
          'encoderStart < encoderEnd < start ≤ headEnd < end is asked for: a model may know no day that it is used on',
      },
    ),
  evidence: z.strictObject({ maxAgeDays: z.number().positive(), probeTimeoutMs: z.number().int().min(1) }),
  demo: z.strictObject({ prices }),
});

export type PhaseConfig = z.infer<typeof phaseConfigSchema>;

type Env = Record<string, string | undefined>;

/** The thresholds for a home: `phases.yaml` in its layers. @throws UsageError that names the file and the key. */
export const loadPhaseConfig = (home: Home, env: Env = process.env): PhaseConfig =>
  loadLayers('phases.yaml', phaseConfigSchema, home, env);

/** What a home has to show: the configured values, or the demo's own where they differ. */
export interface Requirements extends Omit<PhaseConfig, 'demo'> {
  readonly demo: boolean;
  /** Ends a requirement's text: states openly that a demo is asked for less. */
  readonly demoNote: string;
}

/** The thresholds that hold for this home. */
export function requirementsOf(config: PhaseConfig, demo: boolean): Requirements {
  const { demo: demoValues, ...rest } = config;
  return demo
    ? { ...rest, ...demoValues, demo, demoNote: ' (DEMO: the synthetic market’s own span)' }
    : { ...rest, demo, demoNote: '' };
}
