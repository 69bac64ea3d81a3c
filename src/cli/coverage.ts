/** `prometheus coverage`: rows, extent and share of what the calendar expects, by table, model and year. */
import { z } from 'zod';
import { coverageRecountSpec } from '../../engines/numeric/spec.ts';
import { heatMark } from '../format/bars.ts';
import { commandLine } from '../format/command.ts';
import { formatCount, formatShare, UNKNOWN } from '../format/numbers.ts';
import { yearCells, yearMark, yearTicks } from '../format/year-axis.ts';
import { coverageYear, missingOn } from '../phases/coverage-days.ts';
import type { Coverage, CoverageGap, CoverageRow } from '../phases/types.ts';
import { Exit, type ExitCode, UsageError } from '../platform/errors.ts';
import { BOARD_POOLS, coverageOptions, readBoard } from './board.ts';
import { defineCommand } from './command.ts';
import type { Cli } from './context.ts';
import { printJson } from './json.ts';
import { cell, Report } from './plain-text.ts';
import { programCommand } from './program-command.ts';

export const coverage = defineCommand({
  name: 'coverage',
  summary: 'what the databases hold, against the calendar, by year',
  description: `
SHARE is the share of what is expected: (instrument, trading day) cells of the required range for prices, trading days with
an article for news, vectors for models. The line at the end shows each year: · nothing, ░ below 50 %, ▒ below 90 %,
▓ below 99 %, █ 99 % and more; blank where nothing is expected. Duplicate rows never count, holidays are never gaps.

Numeric vectors of a large table are read from a roll-up that our own backfills keep up. Rows that others wrote are counted
by --refresh, rows that others deleted by --exact only.

--row looks into one table or model: with --year its gaps (--json has every trading day too), with --date the instruments that
it lacks on that day.`,
  args: z.object({
    refresh: z
      .boolean()
      .default(false)
      .describe('first count the numeric vectors that others wrote since the last time'),
    exact: z.boolean().default(false).describe('first count every numeric vector anew'),
    row: z.string().min(1).optional().describe('a table or model, as the list names it'),
    year: z.number().int().min(1900).max(2200).optional().describe('its days and gaps in this year'),
    date: z.iso.date().optional().describe('who is missing on this day'),
    json: z.boolean().default(false).describe('print JSON'),
  }),
  run: async (args, cli) => {
    if (args.refresh || args.exact) await refresh(cli, args.exact);
    if (args.row !== undefined || args.year !== undefined || args.date !== undefined) return lookInto(cli, args);
    const { coverage: found } = await readBoard(cli);
    if (args.json) {
      printJson(cli, { at: found.at, costMs: found.costMs, rows: found.rows });
      return Exit.done;
    }
    const report = new Report(cli);
    printCoverage(report, found);
    report.print(cli);
    return Exit.done;
  },
});

export const coverageRecount = programCommand(coverageRecountSpec, async () => ({
  program: (await import('../../engines/numeric/recount.ts')).recountCoverage,
}));

interface Looked {
  readonly row?: string;
  readonly year?: number;
  readonly date?: string;
  readonly json: boolean;
}

/** One row of the table: its gaps in a year, or who is missing on a day. */
async function lookInto(cli: Cli, { row, year, date, json }: Looked): Promise<ExitCode> {
  if (row === undefined || (year === undefined) === (date === undefined))
    throw new UsageError(
      'a look into coverage takes a row and a year, or a row and a day',
      'See: prometheus coverage --help',
    );
  const databases = await cli.databases(BOARD_POOLS, { lazy: true });
  if (date !== undefined) {
    const missing = await missingOn(databases, row, date, coverageOptions(cli));
    if (json) printJson(cli, { row, date, missing });
    else cli.out(missing.map((id) => `${id}\n`).join(''));
    return Exit.done;
  }
  const found = await coverageYear(databases, row, year!, coverageOptions(cli));
  if (json) {
    printJson(cli, { row, year, ...found });
    return Exit.done;
  }
  const report = new Report(cli);
  report.table<CoverageGap>(
    [
      { title: 'FROM', cell: (gap) => cell(gap.first) },
      { title: 'TO', cell: (gap) => cell(gap.last) },
      { title: 'DAYS', align: 'right', cell: (gap) => cell(formatCount(gap.days)) },
      { title: 'MISSING', align: 'right', cell: (gap) => cell(formatCount(gap.missing)) },
      { title: 'FILLED BY', grow: true, cell: (gap) => cell(gap.fill ? commandLine(gap.fill) : 'an import') },
    ],
    found.gaps,
  );
  report.text('rule  ', found.rule);
  report.print(cli);
  return Exit.done;
}

/** Brings the roll-up of numeric vectors up to date; says what was done, and when that is not enough. */
async function refresh(cli: Cli, exact: boolean): Promise<void> {
  const { refreshCoverage } = await import('../../engines/numeric/coverage.storage.ts');
  const { historical } = await cli.databases({ application: 'coverage', maxConnections: 1 });
  const { kind, uncertain } = await refreshCoverage(historical, { exact });
  const done = {
    current: 'nothing but our own backfills had written numeric vectors',
    incremental: 'the days of numeric vectors that others wrote were counted again',
    exact: 'every numeric vector was counted',
  }[kind];
  cli.err(`${done}\n`);
  if (uncertain) cli.err('numeric vectors were deleted or changed since the last exact count: use --exact\n');
}

/** Characters that the marks of a few years may take. */
const YEARS_WIDTH = 15;

function printCoverage(report: Report, found: Coverage): void {
  const years = Object.keys(found.rows[0]?.byYear ?? {});
  const span = { first: Number(years[0]), last: Number(years.at(-1)) };
  const cells = yearCells(span, YEARS_WIDTH);
  const rows = found.rows.filter((row) => !row.problem);
  report.table<CoverageRow>(
    [
      { title: 'TABLE OR MODEL', cell: (row) => cell(row.name) },
      { title: 'ROWS', align: 'right', cell: (row) => cell(formatCount(row.rows)) },
      { title: 'FIRST', min: 10, cell: (row) => cell(row.first ?? UNKNOWN) },
      { title: 'LAST', min: 10, cell: (row) => cell(row.last ?? UNKNOWN) },
      { title: 'SHARE', align: 'right', min: 6, cell: (row) => cell(formatShare(row.share)) },
      {
        title: years.length > 0 ? yearTicks(span, cells) : '',
        cell: (row) => cell(years.map((year) => yearMark(heatMark(row.byYear[year], report), cells)).join('')),
      },
    ],
    rows,
  );
  for (const row of found.rows) if (row.problem) report.text(`${row.name}  ? UNKN  `, row.problem);
}
