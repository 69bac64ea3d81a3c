/** `prometheus replay FILE`: a recorded console, shown again. */
import { Writable } from 'node:stream';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { z } from 'zod';
import { createController } from '../console/controller.ts';
import { startFeed } from '../console/feed.ts';
import type { KeyEvent } from '../console/key-parser.ts';
import type { Recording, RecordingHeader } from '../console/recording/format.ts';
import { createReplay, type Replay } from '../console/recording/replay.ts';
import { createSession } from '../console/session.ts';
import { createConsoleStore, emptySnapshot } from '../console/store.ts';
import type { Size } from '../console/terminal.ts';
import { capabilities, makeStyle } from '../console/theme.ts';
import { Exit, type ExitCode, UsageError } from '../platform/errors.ts';
import { StateBook } from '../supervisor/wire/state-book.ts';
import { defineCommand } from './command.ts';
import { withoutFetch } from './console.ts';
import type { Cli } from './context.ts';
import { readRecording } from './recording.ts';

/** Recorded things that happen within this time of each other are shown together. */
const STEP_MS = 50;

export const replay = defineCommand({
  name: 'replay',
  summary: 'show a recorded console again, or one frame of it as text',
  description: `
A recording is made by prometheus --record FILE. It holds what the supervisor told the console and the keys that were
pressed; it is shown at the recorded pace in a terminal, at the terminal's own size. --frame prints one frame as text
instead, as it stood at --at: for reports of trouble and for pictures.`,
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
    noKeys: z.boolean().default(false).describe('without the recorded keys: only what the supervisor told'),
    ascii: z.boolean().optional().describe('draw with ASCII only (default: by the locale)'),
  }),
  run: async (args, cli) => {
    const recording = readRecording(args.file);
    if (recording.damaged > 0) cli.err(`${args.file}: ${recording.damaged} damaged lines are left out\n`);
    const supervisor = createReplay(recording.entries, new StateBook());
    const ascii = capabilities(cli.env, args.ascii).ascii;
    if (args.frame) {
      const size = args.size ? sizeOf(args.size) : recording.header.size;
      const at = args.at === undefined ? supervisor.length : args.at * 1000;
      cli.out(`${await frameAt(at, supervisor, recording.header, { size, keys: !args.noKeys, ascii })}\n`);
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

/** Keys that left the recorded console do not leave the one that shows it. */
const LEAVES: ReadonlySet<string> = new Set(['q', 'ctrl+c', 'ctrl+z']);
const mayPress = (event: KeyEvent): boolean => event.type === 'paste' || !LEAVES.has(event.id);

/** The frame at a time, as text without colours. */
async function frameAt(
  at: number,
  supervisor: Replay,
  header: RecordingHeader,
  options: { readonly size: Size; readonly keys: boolean; readonly ascii: boolean },
): Promise<string> {
  let clock = 0;
  const now = () => header.at + clock;
  const store = createConsoleStore(emptySnapshot(header.home, header.demo, header.at), options.size);
  const nothing = () => {};
  const controller = createController(store, {
    supervisor: () => supervisor,
    redraw: nothing,
    detach: nothing,
    suspend: nothing,
    copy: () => '',
    now,
    page: async () => {},
    save: async () => '',
    newId: () => 'replay',
  });
  const sink = new FrameSink(options.size);
  const { mountScreens } = await withoutFetch(() => import('../../screens/root.tsx'));
  const style = makeStyle({ colour: false, ascii: options.ascii });
  const screens = mountScreens({ store, limits: controller.limits, style }, sink);
  let feed: ReturnType<typeof startFeed> | null = null;
  for (let to = 0; ; to = Math.min(at, to + STEP_MS)) {
    clock = to;
    const inputs = supervisor.advance(to);
    if (supervisor.begun) {
      store.setState({ snapshot: supervisor.snapshot(), connected: true });
      feed ??= startFeed(store, supervisor, now);
    }
    for (const input of inputs) {
      // What a key asks for arrives before the next key.
      if (input.from === 'keys' && options.keys && mayPress(input.event)) controller.key(input.event);
      await turn();
    }
    controller.tick();
    feed?.tick();
    if (to >= at) break;
  }
  await turn();
  await turn();
  feed?.stop();
  // Unmounting draws once more, an empty screen.
  const { frame } = sink;
  screens.unmount();
  return frame;
}

/** Ink's stdout when nobody looks: keeps the last frame. */
class FrameSink extends Writable {
  readonly isTTY = true;
  readonly columns: number;
  readonly rows: number;
  frame = '';

  constructor({ columns, rows }: Size) {
    super({ decodeStrings: false });
    this.columns = columns;
    this.rows = rows;
  }

  override _write(chunk: string | Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    const text = String(chunk);
    if (text !== '') {
      const rows = text.split('\n').slice(0, this.rows);
      // Weight and inversion are left out of the text.
      this.frame = rows.map((row) => row.replace(/\x1b\[[\d;]*m/g, '').trimEnd()).join('\n');
    }
    done();
  }
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
    initial: { boot: 'showing a recording …' },
  });
  const { mountScreens } = await withoutFetch(() => import('../../screens/root.tsx'));
  const style = makeStyle(capabilities(cli.env, options.ascii));
  session.start();
  const screens = mountScreens({ store: session.store, limits: session.limits, style }, session.writer);
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
