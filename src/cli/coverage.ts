/** `prometheus coverage`: rows, extent and share of what the calendar expects, by table, model and year. */
import { z } from 'zod';
import { heatMark } from '../format/bars.ts';
import { formatCount, UNKNOWN } from '../format/numbers.ts';
import type { Coverage, CoverageRow } from '../phases/types.ts';
import { Exit } from '../platform/errors.ts';
import { readBoard } from './board.ts';
import { defineCommand } from './command.ts';
import type { Cli } from './context.ts';
import { printJson } from './json.ts';
import { cell, Report } from './plain-text.ts';

export const coverage = defineCommand({
  name: 'coverage',
  summary: 'what the databases hold, against the calendar, by year',
  description: `
SHARE is the share of what is expected: (instrument, trading day) cells of the required range for prices, trading days with
an article for news, vectors for models. The line at the end shows each year: · nothing, ░ below 50 %, ▒ below 90 %,
▓ below 99 %, █ complete; blank where nothing is expected. Duplicate rows never count, holidays are never gaps.

Numeric vectors of a large table are read from a roll-up that our own backfills keep up. Rows that others wrote are counted
by --refresh, rows that others deleted by --exact only.`,
  args: z.object({
    refresh: z
      .boolean()
      .default(false)
      .describe('first count the numeric vectors that others wrote since the last time'),
    exact: z.boolean().default(false).describe('first count every numeric vector anew'),
    json: z.boolean().default(false).describe('print JSON'),
  }),
  run: async (args, cli) => {
    if (args.refresh || args.exact) await refresh(cli, args.exact);
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

function printCoverage(report: Report, found: Coverage): void {
  const years = Object.keys(found.rows[0]?.byYear ?? {});
  const rows = found.rows.filter((row) => !row.problem);
  report.table<CoverageRow>(
    [
      { title: 'TABLE OR MODEL', cell: (row) => cell(row.name) },
      { title: 'ROWS', align: 'right', cell: (row) => cell(formatCount(row.rows)) },
      { title: 'FIRST', min: 10, cell: (row) => cell(row.first ?? UNKNOWN) },
      { title: 'LAST', min: 10, cell: (row) => cell(row.last ?? UNKNOWN) },
      { title: 'SHARE', align: 'right', min: 6, cell: (row) => cell(sharePercent(row.share)) },
      {
        title: yearTicks(years),
        cell: (row) => cell(years.map((year) => heatMark(row.byYear[year], report)).join('')),
      },
    ],
    rows,
  );
  for (const row of found.rows) if (row.problem) report.text(`${row.name}  ? UNKN  `, row.problem);
}

/** One digit, rounded down: only what is complete is 100 %. */
function sharePercent(share: number | null): string {
  if (share === null) return UNKNOWN;
  return share >= 1 ? '100 %' : `${(Math.floor(share * 1000) / 10).toFixed(1)} %`;
}

/** Two digits of every fifth year above its mark. */
function yearTicks(years: readonly string[]): string {
  const ticks = years.map(() => ' ');
  years.forEach((year, i) => {
    if (Number(year) % 5 === 0 && i + 1 < ticks.length) ticks.splice(i, 2, ...year.slice(2));
  });
  return ticks.join('');
}
