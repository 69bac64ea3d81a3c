/** Draws every scene at every size on the scripted world, where no figure moves: `draw.ts FOLDER`. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { frameAt } from '../../src/cli/replay-frame.ts';
import type { Replay } from '../../src/console/recording/replay.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { PICTURE_COLOURS, themedStyle } from '../../src/console/theme.ts';
import { frameSvg } from '../../src/format/frame-svg.ts';
import { LogSource } from '../helpers/log-source.ts';
import { MACHINE } from '../helpers/machine-sample.ts';
import { NOW, SNAPSHOT, scriptedSupervisor } from '../helpers/scripted-supervisor.ts';
import { SCENES, SIZES } from './scenes.ts';

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
