/** CPU, memory, pressure and network of the machine, and its GPUs. What cannot be read says so, with the reason. */
import type { ConsoleState } from '../../src/console/store.ts';
import { progressBar } from '../../src/format/bars.ts';
import { type Line, type Packed, packLine, span } from '../../src/format/lines.ts';
import { formatBytes, formatCount, formatFixed, formatPercent } from '../../src/format/numbers.ts';
import { sparkline } from '../../src/format/spark.ts';
import type { GpuSample, MachineSample } from '../../src/telemetry/types.ts';
import { sampleAge } from '../components/age.ts';
import type { PaneContent } from '../components/pane.tsx';
import { type Drawing, unknown } from '../components/signs.ts';
import { historySpark } from './series.ts';

const SHARE = { min: 0, max: 1 };
const NAME = 9;

/** A figure's row: name, value, history, words. */
function row(name: string, figure: string, width: number, ...pieces: Packed[]): Line {
  return [
    span(name.padEnd(NAME), 'muted'),
    figure.padStart(9),
    '  ',
    ...packLine(pieces, Math.max(0, width - NAME - 11)),
  ];
}

const sparkCells = (width: number): number => Math.max(8, Math.min(60, width - NAME - 11 - 34));

/** The host. */
export function hostPane(state: ConsoleState, width: number, drawing: Drawing): PaneContent {
  const { machine } = state.snapshot;
  if (!machine) return { title: 'Host', lines: [unknown('no sample yet')] };
  const { cpu, memory, swap, load, pressure, network } = machine;
  const spark = (series: string, bounds?: { min: number; max: number }): Packed => ({
    line: [historySpark(state, series, sparkCells(width), drawing, bounds)],
    rank: 3,
  });
  const words = (text: string, rank = 1): Packed => ({ line: [text], rank });
  return {
    title: 'Host',
    note: sampleAge(state),
    lines: [
      row('CPU', formatPercent(cpu.busy, 0), width, spark('cpu', SHARE), words(`of ${cpu.cores} cores`)),
      ...coreRows(cpu.perCore, width, drawing),
      row(
        'load',
        formatFixed(cpu.load1, 2),
        width,
        words(load ? `${load.map((one) => one.toFixed(2)).join(' ')} over 1, 5, 15 min` : ''),
      ),
      row(
        'memory',
        formatPercent(share(memory.usedBytes, memory.totalBytes), 0),
        width,
        spark('memory', SHARE),
        words(`${formatBytes(memory.usedBytes)} of ${formatBytes(memory.totalBytes)}`),
      ),
      row('swap', formatBytes(memory.swapUsedBytes), width, words(swap ? `of ${formatBytes(swap.totalBytes)}` : '')),
      ...pressureRows(pressure, width),
      ...networkRows(state, network, width, drawing),
      ...(machine.jobsProblem ? [[span('jobs'.padEnd(NAME), 'muted'), ...unknown(machine.jobsProblem)] as Line] : []),
    ],
  };
}

const share = (used: number | null, total: number | null): number | null =>
  used !== null && total ? used / total : null;

/** A cell a core, in as many rows as it takes. */
function coreRows(perCore: readonly number[], width: number, drawing: Drawing): Line[] {
  const room = Math.max(8, width - NAME);
  const rows: Line[] = [];
  for (let from = 0; from < perCore.length; from += room) {
    const cells = perCore.slice(from, from + room);
    rows.push([
      span((from === 0 ? 'cores' : '').padEnd(NAME), 'muted'),
      span(sparkline(cells, cells.length, { ...SHARE, ...drawing }), 'info'),
    ]);
  }
  return rows;
}

function pressureRows(pressure: MachineSample['pressure'], width: number): Line[] {
  if (pressure === undefined) return [];
  if (pressure === null) return [[span('waits'.padEnd(NAME), 'muted'), ...unknown('the kernel does not tell')]];
  const parts = (['cpu', 'memory', 'io'] as const).map((name, i): Packed => {
    const one = pressure[name];
    return { line: [span(`${name} `, 'muted'), formatPercent(one?.some ?? null, 1)], rank: i + 1 };
  });
  return [[span('waits'.padEnd(NAME), 'muted'), '  ', ...packLine(parts, width - NAME - 2)]];
}

function networkRows(state: ConsoleState, network: MachineSample['network'], width: number, drawing: Drawing): Line[] {
  if (!network) return [];
  if (network.problem) return [[span('network'.padEnd(NAME), 'muted'), ...unknown(network.problem)]];
  const rate = (bytes: number | null) => `${formatBytes(bytes === null ? null : Math.round(bytes))}/s`;
  return [
    row('net in', rate(network.rxBytesPerSecond), width, {
      line: [historySpark(state, 'net.rx', sparkCells(width), drawing)],
      rank: 1,
    }),
    row('net out', rate(network.txBytesPerSecond), width, {
      line: [historySpark(state, 'net.tx', sparkCells(width), drawing)],
      rank: 1,
    }),
  ];
}

const MIB = 1024 * 1024;

/** The GPUs with who computes on them. */
export function gpuPane(state: ConsoleState, width: number, drawing: Drawing): PaneContent {
  const { machine } = state.snapshot;
  if (!machine) return { title: 'GPU', lines: [unknown('no sample yet')] };
  if (machine.gpus.length === 0) return { title: 'GPU', lines: [unknown(machine.gpuProblem ?? 'no reason given')] };
  return {
    title: machine.gpus.length === 1 ? 'GPU' : 'GPUs',
    note: sampleAge(state),
    lines: [
      ...machine.gpus.flatMap((gpu) => gpuRows(state, gpu, width, drawing)),
      ...(machine.gpuProcessProblem
        ? [[span('processes '.padEnd(NAME), 'muted'), ...unknown(machine.gpuProcessProblem)] as Line]
        : []),
    ],
  };
}

function gpuRows(state: ConsoleState, gpu: GpuSample, width: number, drawing: Drawing): Line[] {
  const used = share(gpu.memoryUsedMiB, gpu.memoryTotalMiB);
  const gib = (mib: number | null) => formatBytes(mib === null ? null : mib * MIB);
  const jobs = state.snapshot.machine?.jobs ?? [];
  return [
    [span(`${gpu.index} ${gpu.name}`, 'strong')],
    row('busy', formatPercent(gpu.utilisation, 0), width, {
      line: [historySpark(state, `gpu.${gpu.index}.utilisation`, sparkCells(width), drawing, SHARE)],
      rank: 1,
    }),
    row(
      'memory',
      formatPercent(used, 0),
      width,
      { line: [span(progressBar(used, 12, drawing), 'info')], rank: 2 },
      { line: [`${gib(gpu.memoryUsedMiB)} of ${gib(gpu.memoryTotalMiB)}`], rank: 1 },
    ),
    row('power', gpu.powerW === null ? '– W' : `${Math.round(gpu.powerW)} W`, width, {
      line: [gpu.temperatureC === null ? '– °C' : `${Math.round(gpu.temperatureC)} °C`],
      rank: 1,
    }),
    ...(gpu.processes ?? []).map((process): Line => {
      const job = jobs.find((one) => one.pids.includes(process.pid));
      return [
        '  ',
        `${formatCount(process.memoryMiB)} MiB`.padStart(NAME + 7),
        '  ',
        span(job?.id ?? process.name, job ? 'strong' : 'plain'),
        span(`  ${process.pid}`, 'muted'),
      ];
    }),
  ];
}
