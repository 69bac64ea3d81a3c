/** The machine: CPU, memory, GPU and the disk of the home. What cannot be read says so, with the reason. */
import type { ConsoleState } from '../../src/console/store.ts';
import { type Line, type Packed, packLine, span } from '../../src/format/lines.ts';
import { formatBytes, formatFixed, formatPercent, UNKNOWN } from '../../src/format/numbers.ts';
import { sparkline } from '../../src/format/spark.ts';
import type { GpuSample, MachineSample } from '../../src/telemetry/types.ts';
import { sampleAge } from '../components/age.ts';
import type { PaneContent } from '../components/pane.tsx';
import { type Drawing, unknown } from '../components/signs.ts';

const SPARK = 24;
const SHARE = { min: 0, max: 1 };

/** The machine in rows; `brief` puts it all into one. */
export function machineRows(state: ConsoleState, width: number, drawing: Drawing): PaneContent {
  const { machine } = state.snapshot;
  if (!machine) return { title: 'Machine', lines: [unknown(state.connected ? 'no sample yet' : 'not measured yet')] };
  const spark = (values: readonly number[]) =>
    span(sparkline(values.slice(-SPARK), SPARK, { ...SHARE, ...drawing }).padStart(SPARK), 'info');
  const row = (name: string, figure: string, values: readonly number[] | null, ...more: Packed[]): Line => [
    span(`${name.padEnd(5)}`, 'muted'),
    figure.padStart(7),
    '  ',
    ...packLine([...(values ? [{ line: [spark(values)], rank: 3 }] : []), ...more], width - 14),
  ];
  const { cpu, memory, disk, history } = machine;
  return {
    title: 'Machine',
    note: [span(`${cpu.cores} cores · `, 'muted'), ...sampleAge(state)],
    lines: [
      row('CPU', formatPercent(cpu.busy, 0), history.cpu, { line: [`load ${formatFixed(cpu.load1, 2)}`], rank: 1 }),
      row(
        'RAM',
        formatPercent(usedShare(machine), 0),
        history.memory,
        { line: [`${formatBytes(memory.usedBytes)} of ${formatBytes(memory.totalBytes)}`], rank: 1 },
        { line: [span(`swap ${formatBytes(memory.swapUsedBytes)}`, 'muted')], rank: 2 },
      ),
      ...(machine.gpus.length > 0
        ? machine.gpus.map((gpu) =>
            row(`GPU${machine.gpus.length > 1 ? gpu.index : ''}`, formatPercent(gpu.utilisation, 0), history.gpu, {
              line: [gpuWords(gpu)],
              rank: 1,
            }),
          )
        : [[span('GPU  ', 'muted'), ...unknown(machine.gpuProblem ?? 'no reason given')] as Line]),
      row(
        'disk',
        formatPercent(freeShare(disk), 0),
        null,
        { line: [`free, ${formatBytes(disk.freeBytes)} of ${formatBytes(disk.totalBytes)}`], rank: 1 },
        { line: [span(disk.path, 'muted')], rank: 2 },
      ),
    ],
  };
}

/** The machine in one row, for small terminals. */
export function machineLine(state: ConsoleState, width: number, drawing: Drawing): Line {
  const { machine } = state.snapshot;
  const title = span(' Machine  ', 'strong', { bold: true });
  if (!machine) return [title, ...unknown(state.connected ? 'no sample yet' : 'not measured yet')];
  const spark = (values: readonly number[]) => span(sparkline(values.slice(-8), 8, { ...SHARE, ...drawing }), 'info');
  const gpu = machine.gpus[0];
  return [
    title,
    ...packLine(
      [
        { line: [`CPU ${formatPercent(machine.cpu.busy, 0)} `, spark(machine.history.cpu)], rank: 1 },
        { line: [`RAM ${formatPercent(usedShare(machine), 0)}`], rank: 2 },
        {
          line: [
            'GPU ',
            ...(gpu ? [formatPercent(gpu.utilisation, 0)] : unknown(width >= 110 ? machine.gpuProblem : null)),
          ],
          rank: 4,
        },
        { line: [`disk ${formatBytes(machine.disk.freeBytes)} free`], rank: 3 },
      ],
      width - 10,
    ),
  ];
}

function usedShare({ memory }: MachineSample): number | null {
  return memory.totalBytes && memory.usedBytes !== null ? memory.usedBytes / memory.totalBytes : null;
}

const freeShare = ({ freeBytes, totalBytes }: MachineSample['disk']): number | null =>
  totalBytes && freeBytes !== null ? freeBytes / totalBytes : null;

const MIB = 1024 * 1024;

function gpuWords(gpu: GpuSample): string {
  const gib = (mib: number | null) => (mib === null ? UNKNOWN : formatBytes(mib * MIB));
  const unit = (value: number | null, name: string) =>
    value === null ? `${UNKNOWN} ${name}` : `${Math.round(value)} ${name}`;
  return `${gpu.name}  ${gib(gpu.memoryUsedMiB)} of ${gib(gpu.memoryTotalMiB)}  ${unit(gpu.temperatureC, '°C')}  ${unit(gpu.powerW, 'W')}`;
}
