/** A plan of the full horizon, and its check, for people. */
import { commandLine } from '../format/command.ts';
import { formatBytes, formatCount, formatDuration, formatFixed } from '../format/numbers.ts';
import type { ClockError, HorizonError, HorizonPlan, HorizonStep, PlannedKind } from '../queue/horizon.ts';
import type { Scaling } from '../queue/scaling.ts';
import { cell, type Report } from './plain-text.ts';

const known = (value: number | null, format: (value: number) => string) => (value === null ? 'UNKN' : format(value));
const percent = (share: number) => `${share < 0 ? '−' : '+'}${Math.abs(share * 100).toFixed(1)} %`;

export function reportPlan(
  report: Report,
  plan: HorizonPlan,
  {
    reasons,
    commands,
    headroom,
  }: {
    readonly reasons: readonly string[];
    /** Words of the commands of the first step. */
    readonly commands: readonly (readonly string[])[];
    readonly headroom: number;
  },
): void {
  report.table<HorizonPlan['models'][number]>(
    [
      { title: 'MODEL', grow: true, cell: (one) => cell(one.modelId) },
      { title: 'ROWS', align: 'right', cell: (one) => cell(formatCount(one.rows)) },
      { title: 'THERE', align: 'right', cell: (one) => cell(formatCount(one.standing)) },
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
  report.table<PlannedKind>(
    [
      { title: 'TABLE', grow: true, cell: (one) => cell(one.table) },
      { title: 'ROWS', align: 'right', cell: (one) => cell(formatCount(one.rows)) },
      {
        title: 'BYTES A ROW',
        align: 'right',
        cell: (one) => cell(known(one.bytesPerRow, (bytes) => formatCount(Math.round(bytes)))),
      },
      { title: 'BYTES', align: 'right', cell: (one) => cell(known(one.bytes, formatBytes)) },
      { title: 'WORKER TIME', align: 'right', cell: (one) => cell(known(one.workerSeconds, formatDuration)) },
    ],
    plan.kinds,
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
      `${workers} worker${workers === 1 ? '' : 's'}: ${known(hours, (h) => `${formatFixed(h, 2)} h`)}`,
    );
  }
  for (const { kind, scaling } of plan.kinds) report.text('scaling ', `${kind}: ${scalingWords(scaling)}`);
  const { needBytes, walBytes, freeBytes } = plan.disk;
  report.text(
    'disk    ',
    `need ${known(needBytes, formatBytes)} (${headroom} × rows, and WAL up to ${known(walBytes, formatBytes)}), free ${known(freeBytes, formatBytes)}`,
  );
  const tables = plan.kinds.map(({ table }) => table).join(', ');
  report.text('beside  ', `campaigns and every program that does not write ${tables}; they wait for a slot only`);
  for (const reason of reasons) report.text('!       ', reason);
  commands.forEach((words, at) => {
    report.text(at === 0 ? 'first   ' : 'then    ', commandLine(words));
  });
}

const scalingWords = (scaling: Scaling | null): string =>
  scaling === null
    ? 'UNKN (no two backfills had different numbers of workers): the hours are plain division'
    : `each further worker makes a shard ${percent(scaling.each / scaling.alone)} longer; measured with up to ${scaling.measuredTo.toFixed(1)} at once`;

interface CheckedKind extends ClockError {
  readonly table: string;
  readonly bytesPerRow: { readonly planned: number | null; readonly now: number | null; readonly error: number | null };
}

export function reportCheck(report: Report, models: readonly HorizonError[], kinds: readonly CheckedKind[]): void {
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
  const size = (bytes: number | null) => known(bytes, (value) => formatFixed(value, 0));
  for (const { table, bytesPerRow } of kinds) {
    const { planned, now, error } = bytesPerRow;
    report.text('bytes  ', `a row of ${table} ${size(now)}, planned ${size(planned)}, error ${known(error, percent)}`);
  }
  for (const { kind, seconds, workers, planned, error } of kinds) {
    report.text(
      'clock  ',
      `${kind}: ${known(seconds, formatDuration)} with ${known(workers, (n) => n.toFixed(1))} workers at once, planned ${known(planned, formatDuration)}, error ${known(error, percent)}`,
    );
  }
}
