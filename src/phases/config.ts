/** `configs/phases.yaml`: the thresholds of the board, one schema, with the user's own values laid over them. */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { tryParseDay } from '../platform/dates.ts';
import { errorCode, errorMessage, UsageError, UserError } from '../platform/errors.ts';
import type { Home } from '../platform/home.ts';

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
  lambda: z.strictObject({ ...span, minShare: share }).refine(ordered, orderedSpan),
  context: z
    .strictObject({ ...span, minShare: share, textModel: z.string().min(1), jointModels: z.array(z.string()).min(1) })
    .refine(ordered, orderedSpan),
  evidence: z.strictObject({ maxAgeDays: z.number().positive(), probeTimeoutMs: z.number().int().min(1) }),
  demo: z.strictObject({ prices }),
});

export type PhaseConfig = z.infer<typeof phaseConfigSchema>;

type Env = Record<string, string | undefined>;

/**
 * The thresholds for a home: the shipped file, then `~/.config/prometheus/phases.yaml`, then `<home>/phases.yaml`.
 * A demo home reads none of the user's own files but its own.
 * @throws UsageError that names the file and the key when a value cannot be accepted.
 */
export function loadPhaseConfig(home: Home, env: Env = process.env): PhaseConfig {
  const shipped = shippedConfigFile(env);
  const userFolder = path.join(env.XDG_CONFIG_HOME || path.join(homedir(), '.config'), 'prometheus');
  const files = [
    shipped,
    ...(home.demo ? [] : [path.join(userFolder, 'phases.yaml')]),
    path.join(home.root, 'phases.yaml'),
  ];
  let merged: unknown = {};
  let config: PhaseConfig | null = null;
  for (const file of files) {
    const layer = readLayer(file, file === shipped);
    if (layer === null) continue;
    merged = merge(merged, layer);
    // Checked layer by layer, so that a wrong value is reported with the file that holds it.
    config = validate(merged, file, shipped);
  }
  return config ?? validate(merged, shipped, shipped);
}

function validate(value: unknown, file: string, shipped: string): PhaseConfig {
  const result = phaseConfigSchema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const stray = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  const key = [...issue.path, ...stray].join('.');
  const problem = stray.length ? 'is not a setting' : issue.message;
  throw new UsageError(
    `${file}: ${key || 'the file'}: ${problem}`,
    `Mend it; all settings are explained in ${shipped}`,
  );
}

/** `configs/phases.yaml` of the checkout or of the package that this code belongs to (sources and bundle alike). */
function shippedConfigFile(env: Env): string {
  const starts = [env.PROMETHEUS_CHECKOUT, path.dirname(fileURLToPath(import.meta.url))];
  for (const start of starts) {
    for (let dir = start; dir; dir = path.dirname(dir) === dir ? undefined : path.dirname(dir)) {
      const file = path.join(dir, 'configs', 'phases.yaml');
      if (existsSync(file)) return file;
    }
  }
  throw new UserError(
    'configs/phases.yaml is missing from this installation',
    'Restore it: git checkout configs/phases.yaml',
  );
}

function readLayer(file: string, required: boolean): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (!required && ['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return null;
    throw new UserError(`${file} cannot be read: ${errorMessage(error)}`, 'Make it readable or move it away.');
  }
  let value: unknown;
  try {
    value = parseYaml(text);
  } catch (error) {
    throw new UsageError(`${file} is not valid YAML: ${errorMessage(error)}`, 'Mend the line named above.');
  }
  if (value === null || value === undefined) return null;
  if (!isMap(value))
    throw new UsageError(`${file} holds no settings`, 'Write keys and values, as in configs/phases.yaml.');
  return value;
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Maps are laid over each other key by key; anything else (lists too) is replaced. */
function merge(under: unknown, over: unknown): unknown {
  if (!isMap(under) || !isMap(over)) return over;
  const result: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) result[key] = key in under ? merge(under[key], value) : value;
  return result;
}

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
