/** `prometheus backtests …`: runs on record. */
import { z } from 'zod';
import { formatAge } from '../format/age.ts';
import { lineChart } from '../format/braille.ts';
import { caveatMarks } from '../format/caveats.ts';
import { lineText } from '../format/lines.ts';
import { formatCount, formatFixed, formatPercent } from '../format/numbers.ts';
import { sparkline } from '../format/spark.ts';
import { Exit } from '../platform/errors.ts';
import { listRuns, readRun } from '../report/runs.ts';
import type { RunDetail, RunRow } from '../report/types.ts';
import { defineCommand } from './command.ts';
import { printFigures } from './json.ts';
import { cell, Report } from './plain-text.ts';

const json = z.boolean().default(false).describe('print JSON');
const CHART = { width: 100, height: 12 };

export const backtestsList = defineCommand({
  name: 'backtests ls',
  summary: 'backtest runs on record, newest first',
  args: z.object({
    sleeve: z.string().min(1).optional().describe('only runs of this sleeve'),
    limit: z.number().int().min(1).default(30).describe('at most so many'),
    json,
  }),
  run: async (args, cli) => {
    const { runtime } = await cli.databases({ application: 'backtests', readOnly: true });
    const runs = await listRuns(runtime, args);
    if (args.json) {
      printFigures(cli, { runs });
      return Exit.done;
    }
    const report = new Report(cli);
    const { mixed, signOf, notes } = caveatMarks(runs.map((run) => run.caveat));
    if (runs.length === 0) report.line('no run yet: prometheus backtest campaign');
    report.table<RunRow>(
      [
        ...(mixed ? [{ title: '', cell: (run: RunRow) => cell(signOf(run.caveat) || ' ') }] : []),
        { title: 'RUN', cell: (run) => cell(run.runId.slice(0, 8)) },
        { title: 'SLEEVE', grow: true, min: 16, cell: (run) => cell(run.sleeveId) },
        { title: 'BACKEND', cell: (run) => cell(run.backend) },
        { title: 'FIRST', cell: (run) => cell(run.start) },
        { title: 'LAST', cell: (run) => cell(run.end) },
        { title: 'RETURN', align: 'right', cell: (run) => cell(formatPercent(run.cumulativeReturn, 2, true)) },
        { title: 'SHARPE', align: 'right', cell: (run) => cell(formatFixed(run.sharpe, 2)) },
        { title: 'MAX DD', align: 'right', cell: (run) => cell(formatPercent(run.maxDrawdown, 2)) },
        { title: 'TRADES', align: 'right', cell: (run) => cell(formatCount(run.trades)) },
        { title: 'EQUITY', min: 20, cell: (run) => cell(sparkline(run.spark, 20, { ascii: report.ascii })) },
        { title: 'AGE', align: 'right', cell: (run) => cell(formatAge(Date.now() - run.createdAt)) },
      ],
      runs,
    );
    for (const run of runs.filter((one) => !one.complete))
      report.text(`${run.runId.slice(0, 8)}  `, 'has no figures: it did not end');
    for (const note of notes) report.line(note);
    report.print(cli);
    return Exit.done;
  },
});

export const backtestsShow = defineCommand({
  name: 'backtests show',
  summary: 'one run: figures, benchmarks, provenance, curve, months',
  args: z.object({ run: z.string().min(4).describe('run id, or the beginning of it'), json }),
  positionals: ['run'],
  run: async (args, cli) => {
    const { runtime } = await cli.databases({ application: 'backtests', readOnly: true });
    const run = await readRun(runtime, args.run);
    if (args.json) {
      printFigures(cli, { run });
      return Exit.done;
    }
    const report = new Report(cli);
    printRun(report, run);
    report.print(cli);
    return Exit.done;
  },
});

function printRun(report: Report, run: RunDetail): void {
  const { provenance: from } = run;
  report.text('run      ', `${run.runId}  ${run.sleeveId}  ${run.backend}  ${run.start} → ${run.end}`);
  if (run.caveat) report.text('beware   ', run.caveat);
  report.text(
    'figures  ',
    `return ${formatPercent(run.cumulativeReturn, 2, true)}  Sharpe ${formatFixed(run.sharpe, 2)}  volatility ${formatPercent(run.volatility, 2)}  ` +
      `max drawdown ${formatPercent(run.maxDrawdown, 2)}  trades ${formatCount(run.trades)}`,
  );
  report.text(
    'against  ',
    `equal weight ${formatPercent(run.equalWeightReturn, 2, true)}  buy and hold ${formatPercent(run.buyAndHoldReturn, 2, true)}  ` +
      `active ${formatPercent(run.activeReturn, 2, true)}  beta ${formatFixed(run.beta, 2)}`,
  );
  report.text(
    'costs    ',
    `turnover a day ${formatPercent(run.turnoverPerDay, 2)}  break-even ${formatFixed(run.breakEvenCostBp, 1)} bp`,
  );
  const commit = from.gitSha ? `${from.gitSha.slice(0, 12)}${from.gitDirty ? ' with changes' : ''}` : '–';
  report.text(
    'made by  ',
    `commit ${commit}  build ${from.build?.slice(0, 12) ?? '–'}  data ${from.data ?? '–'}  campaign ${from.campaignId ?? '–'}`,
  );
  report.line();
  const chart = lineChart([{ name: 'equity', points: run.equity, tone: 'plain' }], {
    ...CHART,
    ascii: report.ascii,
    format: (value) => formatCount(Math.round(value)),
    ends: [run.days[0] ?? '', run.days.at(-1) ?? ''],
  });
  for (const line of chart) report.line(lineText(line));
  report.line();
  report.text(
    'months   ',
    run.monthly.map(({ month, value }) => `${month} ${formatPercent(value, 2, true)}`).join('  '),
  );
}
