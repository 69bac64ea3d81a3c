/** Draws every scene at every size on the scripted world, where no figure moves: `draw.ts FOLDER`. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { frameAt } from '../../src/cli/replay-frame.ts';
import type { Replay } from '../../src/console/recording/replay.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { PICTURE_COLOURS, themedStyle } from '../../src/console/theme.ts';
import { frameSvg } from '../../src/format/frame-svg.ts';
import type { Snapshot } from '../../src/supervisor/protocol.ts';
import { LogSource } from '../helpers/log-source.ts';
import { NOW, SNAPSHOT, scriptedSupervisor } from '../helpers/scripted-supervisor.ts';
import { SCENES, SIZES } from './scenes.ts';

const usage = (processes: number, cpuCores: number, gibibytes: number) => ({
  ...{ processes, cpuCores, memoryBytes: gibibytes * 2 ** 30, threads: processes * 11, files: processes * 20 },
  ...{ readBytesPerSecond: 3.1e6, writeBytesPerSecond: 41e6 },
});
const database = (name: string, rowsPerSecond: number, gibibytes: number) => ({
  ...{ name, database: `prometheus_${name}`, up: true, connections: 4, serverConnections: 9, maxConnections: 100 },
  ...{ active: 1, longestSeconds: 0.4, waitingLocks: 0, rowsPerSecond, cacheHitShare: 0.997, walBytesPerSecond: 12e6 },
  ...{ sizeBytes: gibibytes * 2 ** 30, problems: [] },
});
/** The scripted machine with everything that a sampler may tell. */
const MACHINE: Snapshot['machine'] = {
  ...SNAPSHOT.machine!,
  gpus: [
    {
      ...{ index: 0, name: 'Tesla V100-SXM2-32GB', utilisation: 0.63, temperatureC: 58, powerW: 187 },
      ...{ memoryUsedMiB: 11_204, memoryTotalMiB: 32_768, processes: [{ pid: 4711, name: 'node', memoryMiB: 10_890 }] },
    },
  ],
  gpuProblem: null,
  load: [41.2, 38.9, 30.1],
  swap: { totalBytes: 8 * 2 ** 30, usedBytes: 0 },
  pressure: {
    cpu: { some: 0.08, full: null },
    memory: { some: 0, full: 0 },
    io: { some: 0.02, full: 0.01 },
  },
  network: { rxBytesPerSecond: 1.2e6, txBytesPerSecond: 4.4e5, interfaces: [], problem: null },
  postgres: [database('historical', 18_400, 41.2), database('runtime', 310, 2.4)],
  jobs: [{ ...usage(3, 18.6, 6.2), id: SNAPSHOT.jobs[0].id, pids: [4711], gpuMemoryMiB: 10_890 }],
  jobsProblem: null,
  postgresUsage: usage(14, 2.3, 3.9),
};

/** The scripted supervisor as one that has said all, with the log of its running job in full. */
function world(): Replay {
  const supervisor = scriptedSupervisor({ ...SNAPSHOT, machine: MACHINE });
  const log = new LogSource();
  for (const [i, { text }] of SNAPSHOT.detail!.log.entries()) {
    log.append(text.includes('warn') ? 'err' : 'out', `${text.trim()}\n`);
    log.note(NOW - 60_000 + i * 1000);
  }
  const read = async (name: string, args: { file: 'out'; offset: number; length: number }) => {
    if (name !== 'log') return supervisor.read(name as 'runs', args as never);
    const { size, bytes, problem } = await log.read(args.file, args.offset, args.length);
    return { size, data: Buffer.from(bytes).toString('base64'), problem };
  };
  return { ...supervisor, read: read as Replay['read'], begun: true, length: 0, advance: () => [] };
}

/** The log of the Jobs screen has been read and counted to its end. */
const logIsRead = ({ screen, log }: ConsoleState): boolean =>
  screen !== 'jobs' ||
  (log?.frame.read === true &&
    log.frame.busy === null &&
    log.frame.position !== null &&
    log.frame.totals.bytes > 0 &&
    log.frame.totals.counted === log.frame.totals.bytes);

for (const { name, press, theme = 'dark' } of SCENES) {
  for (const size of SIZES) {
    const { rows } = await frameAt(
      0,
      world(),
      { home: SNAPSHOT.home, demo: true, at: NOW },
      {
        size,
        keys: false,
        press,
        style: themedStyle(theme, { ascii: false }),
        until: logIsRead,
      },
    );
    const picture = `${name}-${size.columns}x${size.rows}.svg`;
    const title = `The Prometheus console: ${name} at ${size.columns}×${size.rows}`;
    writeFileSync(path.join(process.argv[2], picture), frameSvg(rows, size, PICTURE_COLOURS[theme], title));
    process.stdout.write(`docs/pictures/${picture}\n`);
  }
}
process.exit(0);
