/** `prometheus plan full-horizon` and `plan check`: what a backfill over all years takes, and how far that was off. */
import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { PROGRAMS } from '../../engines/catalog.ts';
import {
  type DoneRows,
  type HorizonError,
  type HorizonPlan,
  type HorizonStep,
  horizonErrors,
  planHorizon,
  sumKnown,
} from '../../engines/numeric/horizon.model.ts';
import { clockSeconds, fitScaling, type Scaling } from '../../engines/numeric/scaling.model.ts';
import { numericBackfillSpec } from '../../engines/numeric/spec.ts';
import { V1_MODELS } from '../../engines/numeric/v1-ids.model.ts';
import { commandLine } from '../format/command.ts';
import { formatBytes, formatCount, formatDuration } from '../format/numbers.ts';
import type { Database } from '../platform/db/databases.ts';
import { Exit, UserError } from '../platform/errors.ts';
import { dateArg, parseRange } from '../platform/program.ts';
import { defineCommand } from './command.ts';
import { printFigures } from './json.ts';
import { cell, Report } from './plain-text.ts';
import { databaseDisk, HEADROOM } from './preflight.ts';

/** The name under which plans stand in `console.evidence`. */
const PLAN = 'P5.plan';
const UNKN = 'UNKN';

const known = (value: number | null, format: (value: number) => string) => (value === null ? UNKN : format(value));
const percent = (share: number) => `${share < 0 ? '−' : '+'}${Math.abs(share * 100).toFixed(1)} %`;

export const planFullHorizon = defineCommand({
  name: 'plan full-horizon',
  summary: 'rows, hours and disk of a backfill over all years, from measured rates',
  description: `
Counts the vectors that are due over the days, and says what they take by the rates that finished shards were measured to
have; what was never measured is UNKN (a month of a backfill is enough to measure by). Hours on N workers follow from what
workers were seen to cost each other in backfills with different numbers of them; until there were two, they are plain division. Each step is a backfill of one year, newest first: it can be
stopped at any time and resumed. The plan is kept as evidence; prometheus plan check compares it with what was done since.

Nothing but that record is written. A plan with something unknown, or a disk too small, exits with 3.

Example:
  prometheus plan full-horizon --start 1997-01-02 --end 2024-12-31 --workers 1 4 32`,
  args: z.object({
    start: dateArg().describe('first day'),
    end: dateArg().describe('last day'),
    market: z.string().min(1).default('US_EQ').describe('market'),
    models: z.array(z.string()).default([]).describe('numeric model ids (default: the five v1 models of the plan)'),
    workers: z
      .array(z.number().int().min(1).max(4096))
      .default([])
      .describe('numbers of workers (default: one, and one a core of this machine)'),
    order: z.enum(['newest', 'oldest']).default('newest').describe('which years come first'),
    json: z.boolean().default(false).describe('print JSON'),
  }),
  run: async (args, cli) => {
    parseRange(args);
    const { cellsByYear, prepare } = await import('../../engines/numeric/prepare.ts');
    const { measuredRates, measuredScaling } = await import('../../engines/numeric/rates.storage.ts');
    const { writeEvidence } = await import('../../engines/verify/storage.ts');
    const databases = await cli.databases({ application: 'plan' });
    const { start, end, market, order } = args;
    const models = [...new Set(args.models.length ? args.models : V1_MODELS)];
    const spec = { market, start, end, models, window: null, limit: null, snapshots: false, skipExisting: false };
    const prepared = await prepare({ ...spec, shardCells: 8192 }, { home: cli.home, databases, signal: cli.signal });
    const [rates, walBytes, disk, prices] = await Promise.all([
      measuredRates(databases.historical, models),
      walLimit(databases.historical),
      databaseDisk(cli.home, await cli.targets()),
      priceRange(
        databases.historical,
        prepared.panel.instruments.map(({ id }) => id),
      ),
    ]);
    const scaling = fitScaling(await measuredScaling(databases.historical, rates.rowsPerSecond));
    const plan = planHorizon({
      ...{ scaling, start, end, order, walBytes, freeBytes: disk.freeBytes, headroom: HEADROOM, ...rates },
      workers: [...new Set(args.workers.length ? args.workers : [1, availableParallelism()])],
      models: prepared.models.map((one) => ({
        modelId: one.model.manifest.model_id,
        byYear: cellsByYear(one, prepared),
      })),
    });
    const reasons = reasonsOf(plan, disk.problem, prices, args);
    const observed = {
      start,
      end,
      market,
      order,
      prices,
      bytesPerRow: rates.bytesPerRow,
      scaling,
      ...plan,
      beside: beside(),
    };
    await writeEvidence(databases.runtime, {
      ...{ checkId: PLAN, phase: 'P5', state: reasons.length ? 'PART' : 'OK', observed, required: {} },
      ...{ reason: reasons.join('; '), provenance: cli.provenance },
    });
    if (args.json) printFigures(cli, { ...observed, reasons });
    else {
      const report = new Report(cli);
      printPlan(report, plan, reasons, { market, models, scaling });
      report.print(cli);
    }
    return reasons.length ? Exit.partial : Exit.done;
  },
});

export const planCheck = defineCommand({
  name: 'plan check',
  summary: 'how far the newest plan was off, by what was written since',
  description: `
Compares the newest plan of prometheus plan full-horizon with the shards that backfills of its models, market and days have
finished since: the workers' time for these very rows as planned and as it was, and the same by the clock for as many
workers as there were, pauses left out. Exits with 3 while nothing was written.`,
  args: z.object({ json: z.boolean().default(false).describe('print JSON') }),
  run: async (args, cli) => {
    const { busySeconds, measuredRates } = await import('../../engines/numeric/rates.storage.ts');
    const { historical, runtime } = await cli.databases({ application: 'plan' });
    const plan = await newestPlan(runtime);
    const { done, wallSeconds } = await doneSince(historical, plan, busySeconds);
    const models = horizonErrors(plan.models, done);
    const { bytesPerRow } = await measuredRates(historical, []);
    const clock = clockOf(plan, models, wallSeconds);
    const found = {
      ...{ plannedAt: plan.at, start: plan.start, end: plan.end, models, clock },
      bytesPerRow: { planned: plan.bytesPerRow, now: bytesPerRow, error: errorOf(plan.bytesPerRow, bytesPerRow) },
    };
    if (args.json) printFigures(cli, found);
    else {
      const report = new Report(cli);
      report.text('plan   ', `${plan.start} … ${plan.end}, made ${plan.at}`);
      report.table<HorizonError>(
        [
          { title: 'MODEL', grow: true, cell: (one) => cell(one.modelId) },
          { title: 'PLANNED', align: 'right', cell: (one) => cell(formatCount(one.plannedRows)) },
          { title: 'WRITTEN', align: 'right', cell: (one) => cell(formatCount(one.rows)) },
          { title: 'TIME PLANNED', align: 'right', cell: (one) => cell(known(one.plannedSeconds, formatDuration)) },
          { title: 'WORKER TIME', align: 'right', cell: (one) => cell(formatDuration(one.workerSeconds)) },
          { title: 'ERROR', align: 'right', cell: (one) => cell(known(one.error, percent)) },
        ],
        models,
      );
      const size = (bytes: number | null) => known(bytes, (value) => value.toFixed(0));
      report.text(
        'bytes  ',
        `a row ${size(bytesPerRow)}, planned ${size(plan.bytesPerRow)}, error ${known(found.bytesPerRow.error, percent)}`,
      );
      report.text(
        'clock  ',
        `${known(clock.seconds, formatDuration)} with ${known(clock.workers, (n) => n.toFixed(1))} workers at once, planned ${known(clock.planned, formatDuration)}, error ${known(clock.error, percent)}`,
      );
      report.print(cli);
    }
    return models.some(({ rows }) => rows > 0) ? Exit.done : Exit.partial;
  },
});

const errorOf = (planned: number | null, real: number | null): number | null =>
  planned === null || !real ? null : planned / real - 1;

/** The time in which any worker was at these rows, and what the plan gives to so many workers. */
function clockOf({ scaling = null }: RecordedPlan, models: readonly HorizonError[], seconds: number | null) {
  const real = models.reduce((sum, one) => sum + one.workerSeconds, 0);
  const planned = sumKnown(models.map((one) => (one.rows === 0 ? 0 : one.plannedSeconds)));
  const workers = seconds ? real / seconds : null;
  const clock = planned === null || workers === null ? null : clockSeconds(planned, workers, scaling);
  return { seconds, workers, planned: clock, error: errorOf(clock, seconds) };
}

/** Programs that write other tables: they wait for a slot only, never for these rows. */
function beside(): string[] {
  const [own] = numericBackfillSpec.claims!;
  return PROGRAMS.filter(({ writes }) => !writes.includes(own.table)).map(({ name }) => name);
}

/** What is unknown or lacking. */
function reasonsOf(
  plan: HorizonPlan,
  diskProblem: string | null,
  prices: PriceRange,
  { start, end }: { start: string; end: string },
): string[] {
  const unmeasured = plan.models.filter((one) => one.workerSeconds === null).map(({ modelId }) => modelId);
  const { needBytes, freeBytes, walBytes, enough } = plan.disk;
  return [
    ...(prices.first === null || prices.first > start || prices.last! < end
      ? [`prices cover ${prices.first ?? 'nothing'} … ${prices.last ?? ''}: rows of the other days are not counted`]
      : []),
    ...(unmeasured.length ? [`time UNKN: no shard of ${unmeasured.join(', ')} was measured yet`] : []),
    ...(plan.bytes === null ? ['bytes UNKN: too few vectors stand in the table to measure one by'] : []),
    ...(walBytes === null ? ['WAL UNKN: the server does not tell its limits'] : []),
    ...(freeBytes === null ? [`free space UNKN: ${diskProblem ?? 'it cannot be read'}`] : []),
    ...(enough === false ? [`the disk is too small: ${formatBytes(freeBytes)} free < ${formatBytes(needBytes)}`] : []),
  ];
}

function printPlan(
  report: Report,
  plan: HorizonPlan,
  reasons: readonly string[],
  { market, models, scaling }: { market: string; models: readonly string[]; scaling: Scaling | null },
): void {
  report.table<HorizonPlan['models'][number]>(
    [
      { title: 'MODEL', grow: true, cell: (one) => cell(one.modelId) },
      { title: 'ROWS', align: 'right', cell: (one) => cell(formatCount(one.rows)) },
      {
        title: 'ROWS/S A WORKER',
        align: 'right',
        cell: (one) => cell(known(one.rowsPerSecond, (rate) => formatCount(Math.round(rate)))),
      },
      { title: 'WORKER TIME', align: 'right', cell: (one) => cell(known(one.workerSeconds, formatDuration)) },
    ],
    plan.models,
  );
  report.line();
  report.table<HorizonStep>(
    [
      { title: 'STEP', cell: (one) => cell(`${one.start} … ${one.end}`) },
      { title: 'ROWS', align: 'right', cell: (one) => cell(formatCount(one.rows)) },
      { title: 'WORKER TIME', align: 'right', cell: (one) => cell(known(one.workerSeconds, formatDuration)) },
      { title: 'BYTES', align: 'right', cell: (one) => cell(known(one.bytes, formatBytes)) },
    ],
    plan.steps,
  );
  report.line();
  report.text('rows    ', `${formatCount(plan.rows)}, ${known(plan.bytes, formatBytes)} with indexes`);
  for (const { workers, hours } of plan.hours) {
    report.text(
      'time    ',
      `${workers} worker${workers === 1 ? '' : 's'}: ${known(hours, (h) => `${h.toFixed(2)} h`)}`,
    );
  }
  report.text('scaling ', scalingWords(scaling));
  const { needBytes, walBytes, freeBytes } = plan.disk;
  report.text(
    'disk    ',
    `need ${known(needBytes, formatBytes)} (${HEADROOM} × rows, and WAL up to ${known(walBytes, formatBytes)}), free ${known(freeBytes, formatBytes)}`,
  );
  report.text('beside  ', 'campaigns and every program that writes no numeric vectors; they wait for a slot only');
  for (const reason of reasons) report.text('!       ', reason);
  const [first] = plan.steps;
  if (first) {
    const range = ['--start-date', first.start, '--end-date', first.end];
    const words = ['backfill', 'numeric-embeddings', ...range, '--market', market, '--models', ...models];
    report.text('first   ', commandLine([...words, '--skip-existing']));
  }
}

const scalingWords = (scaling: Scaling | null): string =>
  scaling === null
    ? 'UNKN (no two backfills had different numbers of workers): the hours are plain division'
    : `each further worker makes a shard ${percent(scaling.each / scaling.alone)} longer; measured with up to ${scaling.measuredTo.toFixed(1)} at once`;

interface PriceRange {
  readonly first: string | null;
  readonly last: string | null;
}

async function priceRange(historical: Database, instruments: readonly string[]): Promise<PriceRange> {
  return historical.client(async (client) => {
    const { rows } = await client.query<PriceRange>(
      `SELECT min(own.first)::text AS first, max(own.last)::text AS last FROM unnest($1::text[]) AS names(id)
        CROSS JOIN LATERAL (SELECT min(trade_date) AS first, max(trade_date) AS last
          FROM prices_daily WHERE instrument_id = names.id) own`,
      [instruments],
    );
    return rows[0];
  });
}

/** Bytes that the server's log may hold on to: what a checkpoint lets grow, and what is kept for standbys. */
async function walLimit(historical: Database): Promise<number | null> {
  return historical.client(async (client) => {
    const { rows } = await client.query<{ bytes: number | null }>(
      `SELECT sum(pg_size_bytes(setting || unit))::float8 AS bytes FROM pg_settings
        WHERE name IN ('max_wal_size', 'wal_keep_size')`,
    );
    return rows[0].bytes;
  });
}

interface RecordedPlan {
  readonly at: string;
  readonly start: string;
  readonly end: string;
  readonly market: string;
  readonly models: HorizonPlan['models'];
  readonly bytesPerRow: number | null;
  /** Absent from plans of older builds. */
  readonly scaling?: Scaling | null;
}

/** @throws UserError when there is none. */
async function newestPlan(runtime: Database): Promise<RecordedPlan> {
  return runtime.client(async (client) => {
    const { rows } = await client.query<{ at: string; observed: Omit<RecordedPlan, 'at'> }>(
      `SELECT to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at, observed
         FROM console.evidence WHERE check_id = $1 ORDER BY recorded_at DESC, evidence_id DESC LIMIT 1`,
      [PLAN],
    );
    if (!rows[0]) throw new UserError('there is no plan to check', 'Make one with: prometheus plan full-horizon');
    return { ...rows[0].observed, at: rows[0].at };
  });
}

/** Shards finished since a plan by backfills within it that began after it; and the time in which any was worked on. */
async function doneSince(
  historical: Database,
  { at, start, end, market, models }: RecordedPlan,
  busySeconds: (shards: string) => string,
): Promise<{ done: DoneRows[]; wallSeconds: number | null }> {
  const of = `b.kind = 'numeric' AND b.created_at >= $1 AND b.spec->>'market' = $2
    AND b.spec->>'start' >= $3 AND b.spec->>'end' <= $4`;
  return historical.client(async (client) => {
    const { rows: done } = await client.query<DoneRows>(
      `SELECT model_id AS "modelId", sum(rows)::float8 AS rows, sum(seconds)::float8 AS "workerSeconds"
         FROM console.shard_done JOIN console.backfills b USING (backfill_id)
        WHERE ${of} AND model_id = ANY ($5::text[]) GROUP BY 1`,
      [at, market, start, end, models.map(({ modelId }) => modelId)],
    );
    const shards = `SELECT done_at, seconds FROM console.shard_done JOIN console.backfills b USING (backfill_id)
      WHERE ${of} AND model_id = ANY ($5::text[]) AND seconds > 0`;
    const { rows } = await client.query<{ seconds: number | null }>(`SELECT (${busySeconds(shards)}) AS seconds`, [
      at,
      market,
      start,
      end,
      models.map(({ modelId }) => modelId),
    ]);
    return { done, wallSeconds: rows[0].seconds };
  });
}
