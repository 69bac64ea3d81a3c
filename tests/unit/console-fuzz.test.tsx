/** Anything may be typed: nothing crashes, nothing sticks, and nothing is done that was not asked for. */
import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { mountScreens } from '../../screens/root.tsx';
import { startAsking } from '../../src/console/asking.ts';
import { createController } from '../../src/console/controller.ts';
import { createKeyParser, type KeyEvent } from '../../src/console/key-parser.ts';
import { panesOf } from '../../src/console/screens.ts';
import { type ConsoleState, createConsoleStore } from '../../src/console/store.ts';
import { makeStyle } from '../../src/console/theme.ts';
import { cellWidth } from '../../src/format/width.ts';
import { Random } from '../../src/platform/random.ts';
import { quietHost } from '../helpers/console-host.ts';
import { SNAPSHOT, scriptedSupervisor } from '../helpers/scripted-supervisor.ts';

const KEYS = 100_000;
const CHECK_EVERY = 2_000;

/** Ink's stdout: the last frame without colours. */
class Sink extends Writable {
  isTTY = true;
  columns = 120;
  rows = 40;
  frame = '';
  override _write(chunk: string | Uint8Array, _: BufferEncoding, done: () => void) {
    const text = String(chunk);
    if (text !== '') this.frame = text.replace(/\x1b\[[\d;]*m/g, '');
    done();
  }
}

function world() {
  const supervisor = scriptedSupervisor(SNAPSHOT);
  const store = createConsoleStore(SNAPSHOT, { columns: 120, rows: 40 }, { connected: true });
  const clock = { now: 0 };
  const controller = createController(
    store,
    quietHost({
      supervisor: () => supervisor,
      // Leaving is what an operator asked for; here the console stays to be tried further.
      now: () => clock.now,
      newId: () => `key-${clock.now}`,
    }),
  );
  const asking = startAsking(store, supervisor, () => clock.now);
  return { supervisor, store, controller, asking, clock };
}

const SEQUENCES = [
  '\x1b[A',
  '\x1b[B',
  '\x1b[C',
  '\x1b[D',
  '\x1b[H',
  '\x1b[F',
  '\x1b[5~',
  '\x1b[6~',
  '\x1b[Z',
  '\t',
  '\x1b',
  '\x7f',
  '\x1b[<0;3;4M',
  '\x1b]11;rgb:0/0/0\x07',
  '\x1b[I',
  '\x1b[200~L\r\x1b[201~',
  '\x1b[99;5u',
  '\x1bO',
];

/** What is done at once when asked for. */
const SAFE: ReadonlySet<string> = new Set(['recheck', 'ro', 'rw']);

/** Whether `asked` is what this key stands for where it was pressed: K and A mark a job, Enter ends a note that was written. */
function askedFor(asked: string, event: KeyEvent, before: ConsoleState['overlay']): boolean {
  if (SAFE.has(asked)) return true;
  const key = event.type === 'key' ? event.id : null;
  if (asked.startsWith('keep ')) return key === 'K' || key === 'A';
  const words = /^(?:note|skip|unskip)(?= )/.exec(asked)?.[0];
  if (words) return key === 'enter' && before?.kind === 'prompt' && before.purpose === words;
  return before?.kind === 'dialog' && before.buttons.some(({ request }) => request !== null);
}

/** A burst as a keyboard, a terminal or a cat may send it. */
function burst(random: Random, enter: boolean): string {
  const roll = random.uniform();
  if (roll < 0.3) return SEQUENCES[Math.floor(random.uniform() * SEQUENCES.length)];
  if (roll < 0.35 && enter) return random.uniform() < 0.5 ? '\r' : 'L';
  const byte = String.fromCharCode(0x20 + Math.floor(random.uniform() * 0x5f));
  if (roll < 0.4) return String.fromCharCode(1 + Math.floor(random.uniform() * 26));
  return byte;
}

test.each([
  ['without Enter and L nothing but marks is ever asked of the supervisor', false],
  ['with them only what an open dialog offered', true],
])(
  `${KEYS.toLocaleString('en')} random keys and sequences: %s`,
  async (_, enter) => {
    const { supervisor, store, controller, asking, clock } = world();
    const parser = createKeyParser({ escapeTimeoutMs: 25 });
    const random = new Random(enter ? 7 : 11);
    const sink = new Sink();
    const unasked: string[] = [];
    for (let k = 0; k < KEYS; k++) {
      clock.now += Math.floor(random.uniform() * 60);
      const bytes = burst(random, enter);
      for (const event of [...parser.tick(clock.now), ...parser.feed(Buffer.from(bytes), clock.now)]) {
        // Enter has many spellings (a keypad's is ESC O M): it is left out as the key that it is.
        if (!enter && event.type === 'key' && (event.id === 'enter' || event.id === 'L')) continue;
        const before = store.getState().overlay;
        const count = supervisor.asked.length;
        controller.key(event);
        unasked.push(...supervisor.asked.slice(count).filter((one) => !askedFor(one, event, before)));
      }
      if (k % CHECK_EVERY === 0) {
        asking.look();
        await new Promise((resolve) => setImmediate(resolve));
        const state = store.getState();
        expect(panesOf(state.screen)).toContain(state.focus);
        const screens = mountScreens(
          { store, limits: controller.limits, style: makeStyle({ colour: true, ascii: false }) },
          sink,
        );
        await new Promise((resolve) => setImmediate(resolve));
        const rows = sink.frame.split('\n');
        screens.unmount();
        expect(rows.length).toBeLessThanOrEqual(40);
        for (const row of rows) expect(cellWidth(row)).toBeLessThanOrEqual(120);
      }
    }
    expect(unasked).toEqual([]);
    if (!enter) expect(supervisor.asked.filter((one) => !SAFE.has(one) && !one.startsWith('keep '))).toEqual([]);
    else expect(supervisor.asked.length).toBeGreaterThan(0);
    // Never stuck: a few Esc lead back to a screen, whose keys work.
    for (let i = 0; i < 8; i++) controller.key({ type: 'key', id: 'escape' });
    expect(store.getState().overlay).toBeNull();
    controller.key({ type: 'key', id: '1' });
    controller.key({ type: 'key', id: '?' });
    expect(store.getState()).toMatchObject({ screen: 'overview', overlay: { kind: 'help' } });
  },
  300_000,
);
