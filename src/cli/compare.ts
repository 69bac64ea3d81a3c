/** `prometheus compare`: what differs between runs, first in their making, then in their figures. */
import type { z } from 'zod';
import { compareSpec } from '../../engines/compare/spec.ts';
import { contextWords, figureText, intervalText, settingText, tradeText } from '../format/figure.ts';
import { formatCount, UNKNOWN } from '../format/numbers.ts';
import { sleeveIds } from '../phases/campaign.ts';
import { contextWindow } from '../phases/checks/p4-plan.ts';
import { loadPhaseConfig, requirementsOf } from '../phases/config.ts';
import type { Home } from '../platform/home.ts';
import type { ComparedFigure, ComparedSlice, Comparison, Difference, RunComparison } from '../report/types.ts';
import { cell, Report } from './plain-text.ts';
import { programCommand } from './program-command.ts';

export const compare = programCommand(
  compareSpec,
  async () => {
    const program = (await import('../../engines/compare/program.ts')).compare;
    return { program: (args, context) => program(asConfigured(args, context.home), context) };
  },
  (data, cli) => {
    const report = new Report(cli);
    printComparison(report, data as Comparison);
    report.print(cli);
  },
);

type Args = z.infer<typeof compareSpec.args>;

/** With nothing said it is about what the board looks at: the sleeves and days of Phase 4 in `phases.yaml`. */
function asConfigured(args: Args, home: Home): Args {
  const said = args.run.length + args.basic.length + args.context.length + args.sleeve.length > 0;
  if (said || args.start || args.end) return args;
  const need = requirementsOf(loadPhaseConfig(home), home.demo);
  return { ...args, ...contextWindow(need), sleeve: sleeveIds(need), marketId: need.market };
}

function printComparison(report: Report, { names, pairs, coverage, draws, trials, verdict }: Comparison): void {
  for (const pair of pairs) printPair(report, names, pair);
  report.line(
    `intervals: ${(coverage * 100).toFixed(1)} % each${pairs.length > 1 ? ', 95 % over all pairs' : ''}, stationary block bootstrap, ${formatCount(draws)} draws; ${trials} distinct runs on record`,
  );
  report.text('verdict  ', verdict);
}

function printPair(report: Report, [a, b]: readonly [string, string], pair: RunComparison): void {
  const { days, trades } = pair;
  for (const [name, run] of [[a, pair.a] as const, [b, pair.b] as const]) {
    report.text(
      name.padEnd(9),
      `${run.runId.slice(0, 8)}  ${run.sleeveId}  ${run.backend}  ${run.start} → ${run.end}${contextWords(run) && `  ${contextWords(run)}`}${run.caveat ? `  ${run.caveat}` : ''}`,
    );
  }
  const alone = days.onlyA + days.onlyB;
  report.text(
    'days     ',
    `${formatCount(days.shared)} shared, ${pair.first ?? UNKNOWN} → ${pair.last ?? UNKNOWN}${alone ? `; only ${a} ${days.onlyA}, only ${b} ${days.onlyB}` : ''}`,
  );
  report.line();
  report.line('WHAT DIFFERS');
  if (pair.differences.length === 0) report.line('nothing');
  else {
    report.table<Difference>(
      [
        { title: 'KIND', cell: (one) => cell(one.cause ? one.kind : 'name') },
        { title: 'WHAT', cell: (one) => cell(one.name) },
        { title: a.toUpperCase(), min: 8, max: 34, cell: (one) => cell(settingText(one.a)) },
        { title: b.toUpperCase(), min: 8, max: 34, cell: (one) => cell(settingText(one.b)) },
      ],
      pair.differences,
    );
  }
  report.text('', pair.attribution);
  figures(report, 'FIGURES OF THE SHARED DAYS', [a, b], pair.figures);
  figures(report, 'YEARS', [a, b], pair.years);
  figures(
    report,
    'AFTER FURTHER COSTS, bp of traded value (the trades as they are)',
    [a, b],
    pair.costs.flatMap(({ bp, cumulative, sharpe }) => [
      { ...cumulative, name: `${bp} bp: return` },
      { ...sharpe, name: `${bp} bp: Sharpe ratio` },
    ]),
  );
  figures(report, 'MEANS OVER THE DAYS', [a, b], pair.exposures);
  figures(
    report,
    'MEAN DAILY RETURN, bp, BY WHAT WAS KNOWN THE DAY BEFORE',
    [a, b],
    pair.slices.map((one: ComparedSlice) => ({ ...one, name: `${one.by}: ${one.name} (${one.days} d)` })),
  );
  for (const reason of pair.missing) report.text('not made: ', reason);
  if (pair.caution) report.text('caution  ', pair.caution);
  report.line();
  report.text(
    'trades   ',
    `same ${formatCount(trades.same)}  changed ${formatCount(trades.changed)}  only ${a} ${formatCount(trades.onlyA)}  only ${b} ${formatCount(trades.onlyB)}` +
      `  first divergence ${trades.firstDivergence ?? UNKNOWN}`,
  );
  for (const [name, list] of [[a, trades.examplesA] as const, [b, trades.examplesB] as const]) {
    list.slice(0, 3).forEach((trade) => {
      report.text(`only ${name}  `, tradeText(trade), 2);
    });
  }
  report.line();
}

function figures(
  report: Report,
  title: string,
  [a, b]: readonly [string, string],
  rows: readonly ComparedFigure[],
): void {
  if (rows.length === 0) return;
  report.line();
  report.line(title);
  const interval = rows.some((row) => row.interval);
  report.table<ComparedFigure>(
    [
      { title: '', cell: (one) => cell(one.name) },
      { title: a.toUpperCase(), align: 'right', cell: (one) => cell(figureText(one.a, one.unit)) },
      { title: b.toUpperCase(), align: 'right', cell: (one) => cell(figureText(one.b, one.unit)) },
      {
        title: `${b} − ${a}`.toUpperCase(),
        align: 'right',
        cell: (one) => cell(figureText(one.difference, one.unit, true)),
      },
      ...(interval
        ? [{ title: 'INTERVAL', cell: (one: ComparedFigure) => cell(intervalText(one.interval, one.unit)) }]
        : []),
    ],
    rows,
  );
}
