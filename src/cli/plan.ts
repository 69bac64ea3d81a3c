/** `prometheus plan full-horizon` and `plan check`: what backfills over all years take, and how far that was off. */
import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { PROGRAMS } from '../../engines/catalog.ts';
import { V1_MODELS } from '../../engines/numeric/v1-ids.model.ts';
import { formatBytes } from '../format/numbers.ts';
import type { Database } from '../platform/db/databases.ts';
import { rowBytes, tableSize } from '../platform/db/row-size.ts';
import { Exit, UserError } from '../platform/errors.ts';
import { dateArg, type ProgramContext, parseRange } from '../platform/program.ts';
import {
  clockError,
  type DoneRows,
  errorOf,
  type HorizonPlan,
  type HorizonRequest,
  horizonErrors,
  type KindRows,
  planHorizon,
} from '../queue/horizon.ts';
import { fitScaling } from '../queue/scaling.ts';
import type { BackfillKind } from '../queue/shard-marks.ts';
import { defineCommand } from './command.ts';
import { printFigures } from './json.ts';
import { Report } from './plain-text.ts';
import { reportCheck, reportPlan } from './plan-report.ts';
import { databaseDisk, HEADROOM } from './preflight.ts';

/** The name under which plans stand in `console.evidence`. */
const PLAN = 'P5.plan';

export const planFullHorizon = defineCommand({
  name: 'plan full-horizon',
  summary: 'rows, hours and disk of backfills over all years, from measured rates',
  description: `
Counts the vectors that are due over the days and do not stand there yet, and says what they take by the rates that finished shards were measured to
have; what was never measured is UNKN (a month of a backfill is enough to measure by). Models are numeric, text and joint
ones: text by the articles that stand and the issuers that they are linked to, joint ones by those of their inputs that
stand; what is not there to count by is said. Hours on N workers follow from what workers were seen to cost each other in
backfills of the same kind with different numbers of them; until there were two, they are plain division. Each step is a
year, newest first, one command of each kind for it: it can be stopped at any time and resumed. The plan is kept as
evidence; prometheus plan check compares it with what was done since.

Nothing but that record is written. A plan with something unknown, or a disk too small, exits with 3.

Examples:
  prometheus plan full-horizon --start 1997-01-02 --end 2024-12-31 --workers 1 4 32
  prometheus plan full-horizon --start 1997-01-02 --end 2024-12-31 \\
    --models num-stab-core-v1 text-fin-general-v1 joint-stab-fragility-v1`,
  args: z.object({
    start: dateArg().describe('first day'),
    end: dateArg().describe('last day'),
    market: z.string().min(1).default('US_EQ').describe('market'),
    models: z
      .array(z.string())
      .default([])
      .describe('model ids, numeric, text and joint (default: the five v1 models of the plan)'),
    workers: z
      .array(z.number().int().min(1).max(4096))
      .default([])
      .describe('numbers of workers (default: one, and one a core of this machine)'),
    order: z.enum(['newest', 'oldest']).default('newest').describe('which years come first'),
    json: z.boolean().default(false).describe('print JSON'),
  }),
  run: async (args, cli) => {
    parseRange(args);
    const { writeEvidence } = await import('../../engines/verify/storage.ts');
    const { measuredRates, measuredScaling } = await import('../queue/rates.ts');
    const databases = await cli.databases({ application: 'plan' });
    const { historical, runtime } = databases;
    const { start, end, market, order } = args;
    const models = [...new Set(args.models.length ? args.models : V1_MODELS)];
    const kinds = await kindsOf({ start, end, market, models }, { home: cli.home, databases, signal: cli.signal });
    const rowsPerSecond = await measuredRates(historical, models);
    const [walBytes, disk] = await Promise.all([
      walLimit(historical),
      databaseDisk({ home: cli.home, targets: await cli.targets(), databases }),
    ]);
    const measured = [];
    for (const { kind, table, models } of kinds) {
      const bytesPerRow = await measuredRowBytes(historical, kind, table);
      const scaling = fitScaling(await measuredScaling(historical, kind, rowsPerSecond));
      measured.push({ kind, table, models, bytesPerRow, scaling });
    }
    const plan = planHorizon({
      ...{ kinds: measured, rowsPerSecond, start, end, order, walBytes },
      ...{ freeBytes: disk.freeBytes, headroom: HEADROOM },
      workers: [...new Set(args.workers.length ? args.workers : [1, availableParallelism()])],
    });
    const [step] = plan.steps;
    const commands = step ? kinds.flatMap((one) => one.commands(step)) : [];
    const reasons = [...kinds.flatMap(({ lacks }) => lacks), ...unknowns(plan, disk.problem)];
    const observed = { start, end, market, order, ...plan, commands, beside: beside(plan) };
    await writeEvidence(runtime, {
      ...{ checkId: PLAN, phase: 'P5', state: reasons.length ? 'PART' : 'OK', observed, required: {} },
      ...{ reason: reasons.join('; '), provenance: cli.provenance },
    });
    if (args.json) printFigures(cli, { ...observed, reasons });
    else {
      const report = new Report(cli);
      reportPlan(report, plan, { reasons, commands, headroom: HEADROOM });
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
finished since and that wrote most of their rows: the workers' time for these very rows as planned and as it was, and kind by kind the same by the clock for
as many workers as there were, pauses left out. Exits with 3 while nothing was written.`,
  args: z.object({ json: z.boolean().default(false).describe('print JSON') }),
  run: async (args, cli) => {
    const { historical, runtime } = await cli.databases({ application: 'plan' });
    const plan = await newestPlan(runtime);
    const { done, busy } = await doneSince(historical, plan);
    const models = horizonErrors(plan.models, done);
    const kinds = [];
    for (const one of plan.kinds) {
      const { kind, table, bytesPerRow: planned } = one;
      const now = await measuredRowBytes(historical, kind, table);
      const bytesPerRow = { planned, now, error: errorOf(planned, now) };
      kinds.push({ ...clockError(one, models, busy.get(kind) ?? null), table, bytesPerRow });
    }
    if (args.json) printFigures(cli, { plannedAt: plan.at, start: plan.start, end: plan.end, models, kinds });
    else {
      const report = new Report(cli);
      report.text('plan   ', `${plan.start} … ${plan.end}, made ${plan.at}`);
      reportCheck(report, models, kinds);
      report.print(cli);
    }
    return models.some(({ rows }) => rows > 0) ? Exit.done : Exit.partial;
  },
});

/** The models by kind, each counted by its engine; a kind without one is left out. In the order in which they are made. */
async function kindsOf(
  { models, ...span }: HorizonRequest,
  context: Pick<ProgramContext, 'home' | 'databases' | 'signal'>,
): Promise<KindRows[]> {
  const { spaceOf } = await import('../../engines/joint/ids.model.ts');
  const { listModels } = await import('../../engines/models/storage.ts');
  const installed = new Map((await listModels(context.home.models)).map(({ id, manifest }) => [id, manifest?.kind]));
  const isText = (id: string) => installed.get(id) === 'text' || (!installed.has(id) && id.startsWith('text-'));
  const of = Map.groupBy(models, (id): BackfillKind => (spaceOf(id) ? 'joint' : isText(id) ? 'text' : 'numeric'));
  const kinds: KindRows[] = [];
  const [numeric, text, joint] = [of.get('numeric'), of.get('text'), of.get('joint')];
  if (numeric) {
    const { numericHorizon } = await import('../../engines/numeric/horizon.ts');
    kinds.push(await numericHorizon({ ...span, models: numeric }, context));
  }
  if (text) {
    const { textHorizon } = await import('../../engines/text/backfill/horizon.ts');
    kinds.push(await textHorizon({ ...span, models: text }, context));
  }
  if (joint) {
    const { jointHorizon } = await import('../../engines/joint/horizon.ts');
    kinds.push(await jointHorizon({ ...span, models: joint }, context.databases));
  }
  return kinds;
}

/** Bytes of a row, indexes included: of numeric vectors by the roll-up, of other tables by the server's last count. */
async function measuredRowBytes(historical: Database, kind: BackfillKind, table: string): Promise<number | null> {
  if (kind !== 'numeric') return rowBytes(await tableSize(historical, [table]));
  const { numericRowBytes } = await import('../../engines/numeric/coverage.storage.ts');
  return numericRowBytes(historical);
}

/** Programs that write other tables: they wait for a slot only, never for these rows. */
function beside({ kinds }: HorizonPlan): string[] {
  const tables = kinds.map(({ table }) => `historical.${table}`);
  return PROGRAMS.filter(({ writes }) => !tables.some((table) => writes.includes(table))).map(({ name }) => name);
}

/** What is unknown or lacking. */
function unknowns(plan: HorizonPlan, diskProblem: string | null): string[] {
  const unmeasured = plan.models.filter((one) => one.workerSeconds === null).map(({ modelId }) => modelId);
  const unsized = plan.kinds.filter(({ bytes }) => bytes === null).map(({ table }) => table);
  const { needBytes, freeBytes, walBytes, enough } = plan.disk;
  return [
    ...(unmeasured.length ? [`time UNKN: no shard of ${unmeasured.join(', ')} was measured yet`] : []),
    ...(unsized.length
      ? [
          `bytes UNKN: too few rows stand in ${unsized.join(', ')} to measure one by, or none were counted yet (ANALYZE)`,
        ]
      : []),
    ...(walBytes === null ? ['WAL UNKN: the server does not tell its limits'] : []),
    ...(freeBytes === null ? [`free space UNKN: ${diskProblem ?? 'it cannot be read'}`] : []),
    ...(enough === false ? [`the disk is too small: ${formatBytes(freeBytes)} free < ${formatBytes(needBytes)}`] : []),
  ];
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

interface RecordedPlan extends Pick<HorizonPlan, 'models' | 'kinds'> {
  readonly at: string;
  readonly start: string;
  readonly end: string;
  readonly market: string;
}

/** @throws UserError when there is none, or one of a build that planned numeric models alone. */
async function newestPlan(runtime: Database): Promise<RecordedPlan> {
  return runtime.client(async (client) => {
    const { rows } = await client.query<{ at: string; observed: Omit<RecordedPlan, 'at'> }>(
      `SELECT to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at, observed
         FROM console.evidence WHERE check_id = $1 ORDER BY recorded_at DESC, evidence_id DESC LIMIT 1`,
      [PLAN],
    );
    if (!rows[0]) throw new UserError('there is no plan to check', 'Make one with: prometheus plan full-horizon');
    if (!('kinds' in rows[0].observed)) {
      throw new UserError(
        'the newest plan was made by an older build',
        'Make another with: prometheus plan full-horizon',
      );
    }
    return { ...rows[0].observed, at: rows[0].at };
  });
}

/** Shards that wrote most of their rows since a plan, of backfills within it that began after it; and by kind the time in which any was worked on. */
async function doneSince(
  historical: Database,
  { at, start, end, market, models, kinds }: RecordedPlan,
): Promise<{ done: DoneRows[]; busy: Map<BackfillKind, number | null> }> {
  const { busySeconds, MOSTLY_WRITTEN } = await import('../queue/rates.ts');
  const shards = `console.shard_done d JOIN console.backfills b USING (backfill_id)
    WHERE ${MOSTLY_WRITTEN} AND b.created_at >= $1 AND b.spec->>'market' = $2 AND b.spec->>'start' >= $3 AND b.spec->>'end' <= $4
      AND model_id = ANY ($5::text[])`;
  const values = [at, market, start, end, models.map(({ modelId }) => modelId)];
  return historical.client(async (client) => {
    const { rows: done } = await client.query<DoneRows>(
      `SELECT model_id AS "modelId", sum(rows)::float8 AS rows, sum(seconds)::float8 AS "workerSeconds"
         FROM ${shards} GROUP BY 1`,
      values,
    );
    const busy = new Map<BackfillKind, number | null>();
    for (const { kind } of kinds) {
      const own = `SELECT done_at, seconds FROM ${shards} AND b.kind = $6`;
      const { rows } = await client.query<{ seconds: number | null }>(`SELECT (${busySeconds(own)}) AS seconds`, [
        ...values,
        kind,
      ]);
      busy.set(kind, rows[0].seconds);
    }
    return { done, busy };
  });
}
