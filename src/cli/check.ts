/** `prometheus check`: whether this installation stores, reads and computes what it should. */
import { z } from 'zod';
import { recordSample, roundTrip, simulateSample } from '../../engines/verify/self-check.ts';
import { formatCount, formatDuration } from '../format/numbers.ts';
import type { CheckState } from '../phases/types.ts';
import type { Database } from '../platform/db/databases.ts';
import { migrationState } from '../platform/db/migrate.ts';
import { Exit, errorMessage, UserError } from '../platform/errors.ts';
import { newId } from '../platform/ids.ts';
import { defineCommand } from './command.ts';
import type { Cli } from './context.ts';
import { printJson } from './json.ts';
import { cell, Report } from './plain-text.ts';
import { MIGRATIONS } from './schema.ts';

interface Step {
  readonly name: string;
  readonly state: Extract<CheckState, 'OK' | 'FAIL' | 'SKIP'>;
  /** What was seen, or what went wrong. */
  readonly detail: string;
  readonly ms: number;
}

export const check = defineCommand({
  name: 'check',
  summary: 'self-checks: databases, migrations, a round trip, a five-day campaign',
  description: `
Writes a tiny built-in market, reads it back, runs a five-day campaign on it, compares it with stored figures and records
it; everything written is rolled back. Exits 1 when a step fails. The state of your own data is another matter: prometheus
phases.`,
  args: z.object({ json: z.boolean().default(false).describe('print JSON') }),
  run: async (args, cli) => {
    const steps = await runSteps(cli);
    const failed = steps.some((step) => step.state === 'FAIL');
    if (args.json) printJson(cli, { ok: !failed, checks: steps });
    else print(steps, cli);
    return failed ? Exit.failed : Exit.done;
  },
});

/** Runs the steps in order; one that needs what failed before it is skipped. */
async function runSteps(cli: Cli): Promise<Step[]> {
  const steps: Step[] = [];
  /** Null when the step failed or was skipped. */
  const step = async <T>(
    name: string,
    needs: readonly unknown[],
    work: () => Promise<{ value: T; detail: string }>,
  ): Promise<T | null> => {
    cli.signal.throwIfAborted();
    const started = performance.now();
    const add = (state: Step['state'], detail: string) =>
      steps.push({ name, state, detail, ms: Math.round(performance.now() - started) });
    if (needs.includes(null)) {
      add('SKIP', 'needs a step that failed');
      return null;
    }
    try {
      const { value, detail } = await work();
      add('OK', detail);
      return value;
    } catch (error) {
      if (cli.signal.aborted) throw error;
      add('FAIL', error instanceof UserError ? `${error.message}. ${error.fix}` : errorMessage(error));
      return null;
    }
  };

  const databases = await cli.databases({ application: 'check', maxConnections: 1 });
  const historical = await step('historical database', [], () => greet(databases.historical));
  const runtime = await step('runtime database', [], () => greet(databases.runtime));
  const migrated = await step('migrations', [historical, runtime], async () => {
    const states = await Promise.all([databases.historical, databases.runtime].map((one) => requireMigrated(one)));
    return { value: true, detail: states.join(' · ') };
  });
  const panel = await step('round trip', [migrated], async () => {
    const value = await roundTrip(databases.historical);
    return { value, detail: `${formatCount(value.rows)} price rows written, read back, rolled back` };
  });
  const sample = await step('campaign', [panel], async () => {
    const value = simulateSample(panel!);
    return {
      value,
      detail: `five days on the built-in sample, ${formatCount(value.result.fills.day.length)} fills, as stored`,
    };
  });
  await step('record', [sample], async () => {
    const rows = await recordSample(databases.runtime, newId(), sample!, cli.provenance);
    const total = Object.values(rows).reduce((sum, count) => sum + count, 0);
    return {
      value: true,
      detail: `${formatCount(total)} rows in ${Object.keys(rows).length} tables written, read back, rolled back`,
    };
  });
  return steps;
}

async function greet(database: Database): Promise<{ value: true; detail: string }> {
  const version = await database.client(async (client) => {
    const { rows } = await client.query<{ version: string }>(`SELECT current_setting('server_version') AS version`);
    return rows[0].version;
  });
  return { value: true, detail: `${database.target.label}, PostgreSQL ${version}` };
}

/** @throws UserError naming what is pending or missing. */
async function requireMigrated(database: Database): Promise<string> {
  const { name, label } = database.target;
  const { applied, pending, missing, adopted } = await migrationState(database, MIGRATIONS[name]);
  const due = [...pending, ...missing.map((table) => `table ${table}`)];
  if (due.length) throw new UserError(`${label} lacks ${due.join(', ')}`, 'Run: prometheus db migrate');
  return `${name}: ${adopted ? 'adopted, ' : ''}${applied.length} applied`;
}

function print(steps: readonly Step[], cli: Cli): void {
  const report = new Report(cli);
  report.table<Step>(
    [
      { title: 'CHECK', cell: (step) => cell(step.name) },
      { title: 'STATE', min: 6, cell: (step) => cell(report.state(step.state)) },
      {
        title: 'TIME',
        align: 'right',
        cell: (step) => cell(step.ms < 1000 ? `${step.ms} ms` : formatDuration(step.ms / 1000)),
      },
      { title: '', grow: true, cell: (step) => cell(step.state === 'FAIL' ? 'see below' : step.detail) },
    ],
    steps,
  );
  for (const step of steps.filter((one) => one.state === 'FAIL')) report.text(`${step.name}: `, step.detail);
  report.print(cli);
}
