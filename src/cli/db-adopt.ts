/** `prometheus db adopt`: what a pair of databases of another origin lacks for this build, and its repairs one by one. */
import { z } from 'zod';
import { applyStep } from '../adoption/repair.ts';
import { readAdoption } from '../adoption/report.ts';
import type { AdoptionReport, DatabaseReport, Orphans, Step } from '../adoption/types.ts';
import { formatCount } from '../format/numbers.ts';
import { Exit, UsageError, UserError } from '../platform/errors.ts';
import { defineCommand } from './command.ts';
import { printJson } from './json.ts';
import { MIGRATIONS } from './schema.ts';

export const dbAdopt = defineCommand({
  name: 'db adopt',
  summary: 'check databases of your own system against this build, and repair them step by step',
  description: [
    '--dry-run reads only (a role that may only read is enough): missing columns and indexes, rows that are there twice, rows',
    'that point at nothing, vectors by model, empty twins, holidays. It scans whole tables where no unique key answers.',
    '--apply does the steps that are named, in their order, or all of them with `all`. A step never drops or rewrites what',
    'is yours: it makes the schema console, removes copies of a row, or builds an index CONCURRENTLY. Killed in the middle,',
    'ask for it again. Rows of one key that do not say the same are left alone unless --keep says which one stays.',
    'Exit code 3 when something is missing or steps are open.',
  ].join('\n'),
  args: z.object({
    dryRun: z.boolean().default(false).describe('report, change nothing'),
    apply: z.boolean().default(false).describe('do the named steps'),
    step: z.array(z.string()).default([]).describe('steps as the report names them, or all'),
    keep: z
      .enum(['newest', 'oldest'])
      .optional()
      .describe('which of two rows of one key stays (default: neither goes)'),
    json: z.boolean().default(false).describe('print JSON'),
  }),
  positionals: ['step'],
  run: async (args, cli) => {
    if (args.dryRun === args.apply) {
      throw new UsageError('db adopt needs one of --dry-run and --apply', 'Begin with: prometheus db adopt --dry-run');
    }
    if (args.dryRun && (args.step.length || args.keep)) {
      throw new UsageError('--dry-run does no step', 'Leave steps and --keep out, or say --apply.');
    }
    if (args.apply && args.step.length === 0) {
      throw new UsageError(
        '--apply needs the steps to do',
        'See them with: prometheus db adopt --dry-run; or say: --apply all',
      );
    }
    const databases = await cli.databases({ application: 'db adopt', statementTimeoutMs: 0, readOnly: args.dryRun });
    if (args.dryRun) {
      const report = await readAdoption(databases, MIGRATIONS);
      if (args.json) printJson(cli, report);
      else cli.out(adoptionPage(report));
      return isComplete(report) ? Exit.done : Exit.partial;
    }
    const done: { step: string; outcome: string }[] = [];
    const before = await readAdoption(databases, MIGRATIONS, args.keep ?? null);
    for (const step of chosen(args.step, before)) {
      let outcome: string;
      try {
        outcome = isPossible(step, before)
          ? await applyStep(databases[step.database], step, args.keep ?? null, MIGRATIONS[step.database])
          : `not done: ${step.blocked}`;
      } catch (error) {
        // Of `all`, what can be done is done; what could not stays among the open steps.
        if (!(error instanceof UserError) || !args.step.includes('all')) throw error;
        outcome = `not done: ${error.message}. ${error.fix}`;
      }
      done.push({ step: step.id, outcome });
      if (!args.json) cli.out(`${step.id}: ${outcome}\n`);
    }
    const after = await readAdoption(databases, MIGRATIONS);
    if (args.json) printJson(cli, { done, open: after.steps });
    else cli.out(after.steps.length ? `open: ${after.steps.map(({ id }) => id).join(', ')}\n` : 'no step is open\n');
    return after.steps.length ? Exit.partial : Exit.done;
  },
});

/** Whether a step can be done, if only after the `dedupe` that makes room for it. */
const isPossible = (step: Step, report: AdoptionReport): boolean =>
  !step.blocked || report.steps.some(({ id, blocked }) => id === dedupeOf(step, report) && !blocked);

/** The steps to do, or of `all` to tell about. `dedupe` goes before the unique index that it makes room for. */
function chosen(names: readonly string[], report: AdoptionReport): readonly Step[] {
  if (names.includes('all')) return report.steps;
  return names.flatMap((name) => {
    const step = report.steps.find(({ id }) => id === name);
    if (!step) {
      if (isKnown(name, report)) return [];
      throw new UsageError(
        `there is no open step '${name}'`,
        report.steps.length ? `Open are: ${report.steps.map(({ id }) => id).join(', ')}` : 'No step is open.',
      );
    }
    if (step.blocked && !(isPossible(step, report) && names.includes(dedupeOf(step, report)))) {
      throw new UsageError(`${name} cannot be done: ${step.blocked}`, 'See: prometheus db adopt --dry-run');
    }
    return [step];
  });
}

const dedupeOf = (step: Step, report: AdoptionReport) =>
  `dedupe:${report.databases.flatMap(({ missingIndexes }) => missingIndexes).find(({ name }) => step.id === `index:${name}`)?.table}`;

/** A step of this build that is done already. */
const isKnown = (name: string, report: AdoptionReport): boolean =>
  report.databases.some(
    (database) =>
      name === `console:${database.name}` || database.duplicates.some(({ table }) => name === `dedupe:${table}`),
  ) || /^index:(ux|ix)_/.test(name);

const isComplete = (report: AdoptionReport): boolean =>
  report.steps.length === 0 && report.databases.every(({ columns }) => columns.length === 0);

/** The report for people. */
export function adoptionPage(report: AdoptionReport): string {
  const lines = report.databases.flatMap(databaseLines);
  lines.push('', 'between the two', ...orphanLines([report.pricesWithoutInstrument]));
  if (report.notLookedAt.length) lines.push('', 'not looked at');
  for (const { database, what, why } of report.notLookedAt) lines.push(`  ${database}: ${what}: ${why}`);
  lines.push('', report.steps.length ? 'open steps (prometheus db adopt --apply STEP …)' : 'no step is open');
  for (const { id, what, blocked } of report.steps)
    lines.push(`  ${id}: ${what}${blocked ? ` · not now: ${blocked}` : ''}`);
  return `${lines.join('\n')}\n`;
}

const ORIGINS = {
  alembic: 'made by Alembic',
  prometheus: 'made by this product',
  empty: 'empty',
  unknown: 'of unknown origin',
} as const;

function databaseLines(one: DatabaseReport): string[] {
  const made = `${ORIGINS[one.origin]}${one.revision ? ` (revision ${one.revision})` : ''}`;
  const lines = [
    `${one.name}: ${one.database}, ${made}, PostgreSQL ${one.serverVersion}, ${one.encoding}, collation ${one.collation}`,
    ...one.columns.map(
      ({ table, column, problem }) => `  ${column === null ? table : `${table}.${column}`} ${problem}`,
    ),
  ];
  if (one.columns.length === 0) lines.push('  every table and column relied on is there');
  if (one.unreadable.length) lines.push(`  the role may not read ${one.unreadable.join(', ')}`);
  if (one.unwritable.length) lines.push(`  the role may not write ${one.unwritable.join(', ')}`);
  for (const { name, table, purpose } of one.missingIndexes)
    lines.push(`  ${table} has no index for: ${purpose} (${name})`);
  for (const { table, keys, rows, conflicting, key } of one.duplicates) {
    if (!rows) continue;
    const said = conflicting ? `; rows of ${formatCount(conflicting)} keys do not say the same` : '';
    lines.push(
      `  ${table}: ${formatCount(rows)} rows too many of ${formatCount(keys)} keys (${key.join(', ')})${said}`,
    );
  }
  lines.push(...orphanLines(one.orphans));
  for (const { table, model, rows, first, last } of one.models) {
    lines.push(`  ${table}: ${model} ${formatCount(rows)} rows${first ? ` · ${first} … ${last}` : ''}`);
  }
  for (const { market, rows, first, last, yearsWithout, yearsWithFew, longestGap: gap } of one.holidays) {
    const said = [
      yearsWithout.length ? ` · none in ${yearsWithout.join(', ')}, which have prices` : '',
      yearsWithFew.length ? ` · far fewer in ${yearsWithFew.join(', ')} than in the other years` : '',
      gap ? ` · none for ${gap.days} days (${gap.from} … ${gap.to})` : '',
    ];
    lines.push(`  market_holidays: ${market} ${formatCount(rows)} rows · ${first} … ${last}${said.join('')}`);
  }
  const empty = one.twins.filter((twin) => twin.empty).length;
  if (empty) lines.push(`  ${empty} empty twins of the other database's tables: ignored`);
  for (const twin of one.twins.filter(({ empty: is }) => is === false)) {
    lines.push(`  ${twin.table} belongs to the other database, and its rows here are never read`);
  }
  if (one.others.length) lines.push(`  not used: ${one.others.join(', ')}`);
  return lines;
}

const orphanLines = (all: readonly Orphans[]): string[] =>
  all
    .filter(({ rows }) => rows)
    .map(
      ({ what, rows, examples }) =>
        `  ${what}: ${formatCount(rows)}${examples.length ? ` (${examples.join(', ')})` : ''}`,
    );
