/** `prometheus replay FILE`: a recorded console, shown again. */

import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { isKeyName } from '../console/key-parser.ts';
import type { Recording } from '../console/recording/format.ts';
import { createReplay, type Replay } from '../console/recording/replay.ts';
import { createSession } from '../console/session.ts';
import type { Size } from '../console/terminal.ts';
import { capabilities, makeStyle, PICTURE_COLOURS, themedStyle } from '../console/theme.ts';
import { frameSvg } from '../format/frame-svg.ts';
import { Exit, type ExitCode, UsageError } from '../platform/errors.ts';
import { THEMES } from '../platform/themes.ts';
import { StateBook } from '../supervisor/wire/state-book.ts';
import { defineCommand } from './command.ts';
import { NAMED_COMMANDS } from './commands.ts';
import { withoutFetch } from './console.ts';
import type { Cli } from './context.ts';
import { readRecording } from './recording.ts';
import { frameAt, mayPress, STEP_MS } from './replay-frame.ts';

export const replay = defineCommand({
  name: 'replay',
  summary: 'show a recorded console again, or one frame of it as text or picture',
  description: `
A recording is made by prometheus --record FILE. It holds what the supervisor told the console and the keys that were
pressed; it is shown at the recorded pace in a terminal, at the terminal's own size. --frame prints one frame as text
instead, as it stood at --at, and --svg as a picture: for reports of trouble and for documents. --press presses further
keys on it. A recording may be gzipped.

Example: prometheus replay FILE --svg --no-keys --press 3 tab z --size 200x50 >jobs.svg`,
  positionals: ['file'],
  args: z.object({
    file: z.string().describe('the recording'),
    speed: z.number().positive().default(1).describe('how many times faster'),
    at: z
      .number()
      .min(0)
      .optional()
      .describe('seconds since its beginning: show from there, or print that frame (default: the last)'),
    frame: z.boolean().default(false).describe('print one frame as text'),
    size: z
      .string()
      .regex(/^[1-9]\d{0,3}x[1-9]\d{0,3}$/, 'is not COLUMNSxROWS')
      .optional()
      .describe('size of that frame, as 120x35 (default: as recorded)'),
    svg: z.boolean().default(false).describe('print one frame as an SVG picture'),
    press: z
      .array(z.string().refine((id) => isKeyName(id) || /^:./su.test(id), 'is not the name of a key'))
      .optional()
      .describe('keys to press on that frame, by their names (j, tab, ctrl+r); :text types the text'),
    theme: z.enum(THEMES).exclude(['auto']).default('dark').describe('colours of that picture'),
    noKeys: z.boolean().default(false).describe('without the recorded keys: only what the supervisor told'),
    ascii: z.boolean().optional().describe('draw with ASCII only (default: by the locale)'),
  }),
  run: async (args, cli) => {
    const recording = readRecording(args.file);
    if (recording.damaged > 0) cli.err(`${args.file}: ${recording.damaged} damaged lines are left out\n`);
    const supervisor = createReplay(recording.entries, new StateBook());
    const ascii = capabilities(cli.env, args.ascii).ascii;
    if (args.frame || args.svg) {
      const size = args.size ? sizeOf(args.size) : recording.header.size;
      const at = args.at === undefined ? supervisor.length : args.at * 1000;
      const style = args.svg ? themedStyle(args.theme, { ascii }) : makeStyle({ colour: false, ascii });
      const { rows } = await frameAt(at, supervisor, recording.header, {
        size,
        keys: !args.noKeys,
        press: args.press ?? [],
        style,
      });
      if (args.svg) cli.out(frameSvg(rows, size, PICTURE_COLOURS[args.theme], 'The Prometheus console'));
      // Weight and inversion are left out of the text.
      else cli.out(`${rows.map((row) => row.replace(/\x1b\[[\d;]*m/g, '').trimEnd()).join('\n')}\n`);
      return Exit.done;
    }
    if (!cli.interactive)
      throw new UsageError('a recording is shown in a terminal', 'Print one frame as text: --frame');
    return play(cli, recording, supervisor, { ...args, keys: !args.noKeys });
  },
});

function sizeOf(text: string): Size {
  const [columns, rows] = text.split('x').map(Number);
  return { columns, rows };
}

/** Shows it in the terminal until it is left; the last frame stays. */
async function play(
  cli: Cli,
  { header }: Recording,
  supervisor: Replay,
  options: { readonly speed: number; readonly at?: number; readonly keys: boolean; readonly ascii?: boolean },
): Promise<ExitCode> {
  let clock = 0;
  let connected = false;
  let ended = false;
  const session = createSession({
    streams: process,
    env: cli.env,
    home: header.home,
    demo: header.demo,
    now: () => header.at + clock,
    newId: () => 'replay',
    initial: { boot: 'showing a recording …', commands: NAMED_COMMANDS },
  });
  const { mountScreens } = await withoutFetch(() => import('../../screens/root.tsx'));
  const style = makeStyle(capabilities(cli.env, options.ascii));
  session.start();
  const screens = mountScreens({ store: session.drawn, limits: session.limits, style }, session.writer);
  screens.ended.catch((error) => session.end({ kind: 'error', error }));
  const begun = performance.now() - ((options.at ?? 0) * 1000) / options.speed;
  const playing = async () => {
    while (!ended && clock < supervisor.length) {
      clock = Math.min(supervisor.length, (performance.now() - begun) * options.speed);
      const inputs = supervisor.advance(clock);
      if (!connected && supervisor.begun) {
        connected = true;
        session.connect(supervisor);
      }
      for (const input of inputs)
        if (input.from === 'keys' && options.keys && mayPress(input.event)) session.press(input.event);
      await sleep(STEP_MS);
    }
  };
  const shown = playing().catch((error) => session.end({ kind: 'error', error }));
  const end = await session.ended;
  ended = true;
  await shown;
  screens.unmount();
  if (end.kind === 'error') throw end.error;
  return end.kind === 'detached' ? Exit.done : Exit.interrupted;
}
