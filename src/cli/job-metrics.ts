/** `prometheus job metrics`: the figures of a job over its life. Reads its folder, and works without a supervisor too. */
import path from 'node:path';
import { z } from 'zod';
import { measureValue, unitWord } from '../format/measure.ts';
import { formatCount } from '../format/numbers.ts';
import { sparkline } from '../format/spark.ts';
import { Exit } from '../platform/errors.ts';
import { readJobSeries } from '../supervisor/job-series.ts';
import { findJobId } from '../supervisor/job-store.ts';
import type { KeptSeries } from '../supervisor/reads.ts';
import { defineCommand } from './command.ts';
import { printDemo, printJson } from './json.ts';

const SPARK_CELLS = 40;

export const jobMetrics = defineCommand({
  name: 'job metrics',
  summary: 'what a job told as metrics and what its processes used, over its life',
  description: `
Of a job that runs as well as of one that has ended. A point of a series stands for as many values as the others: their
mean, lowest and highest (--json tells all of them, with the times). What was not known left no point.`,
  args: z.object({
    job: z.string().describe('id, number, or `last`'),
    name: z.string().optional().describe('only series of this name: equity, rate, cpu, memory, …'),
    series: z.string().optional().describe('only this one of parallel series: a sleeve, a model'),
    points: z.number().int().min(1).max(1000).optional().describe('at most so many points of each (default: all kept)'),
    json: z.boolean().default(false).describe('print JSON'),
  }),
  positionals: ['job'],
  run: async ({ job, json, ...query }, cli) => {
    const id = findJobId(cli.home, job);
    const found = readJobSeries(path.join(cli.home.jobs, id), query);
    if (json) printJson(cli, { job: id, ...found });
    else if (found.series.length) {
      printDemo(cli);
      cli.out(seriesTable(found.series));
      if (found.dropped > 0) cli.err(`${formatCount(found.dropped)} more series were not kept\n`);
    } else cli.err('no such series of this job\n');
    return Exit.done;
  },
});

function seriesTable(series: readonly KeptSeries[]): string {
  const rows = [
    ['NAME', 'LAST', 'LOWEST', 'HIGHEST', 'UNIT', ''],
    ...series.map((one) => [
      one.series ? `${one.name} · ${one.series}` : one.name,
      measureValue(one.last, one.unit),
      measureValue(Math.min(...one.low), one.unit),
      measureValue(Math.max(...one.high), one.unit),
      unitWord(one.unit),
      sparkline(one.mean, SPARK_CELLS),
    ]),
  ];
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  const align = (cell: string, i: number) => (i > 0 && i < 4 ? cell.padStart(widths[i]) : cell.padEnd(widths[i]));
  return rows.map((row) => `${row.map(align).join('  ').trimEnd()}\n`).join('');
}
