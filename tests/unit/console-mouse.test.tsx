import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type MountedScreens, mountScreens } from '../../screens/root.tsx';
import { FrameSink } from '../../src/cli/replay-frame.ts';
import { createController } from '../../src/console/controller.ts';
import { createKeyParser } from '../../src/console/key-parser.ts';
import { selectedIndex, visibleIds } from '../../src/console/lists.ts';
import { type ConsoleStore, createConsoleStore } from '../../src/console/store.ts';
import { makeStyle } from '../../src/console/theme.ts';
import { NOW, SNAPSHOT, scriptedSupervisor } from '../helpers/scripted-supervisor.ts';

const SIZE = { columns: 120, rows: 40 };
let store: ConsoleStore;
let sink: FrameSink;
let screens: MountedScreens;
let send: (bytes: string) => Promise<void>;
let supervisor: ReturnType<typeof scriptedSupervisor>;

beforeEach(async () => {
  supervisor = scriptedSupervisor(SNAPSHOT);
  store = createConsoleStore(SNAPSHOT, SIZE, { connected: true, mouse: true });
  const nothing = () => {};
  const controller = createController(store, {
    supervisor: () => supervisor,
    redraw: nothing,
    detach: nothing,
    suspend: nothing,
    copy: () => '',
    now: () => NOW,
    page: async () => {},
    run: async () => {},
    edit: async (text) => text,
    save: async () => '',
    newId: () => 'key',
  });
  sink = new FrameSink();
  screens = mountScreens({ store, limits: controller.limits, style: makeStyle({ colour: false, ascii: false }) }, sink);
  const parser = createKeyParser({ escapeTimeoutMs: 25, mouse: () => store.getState().mouse });
  send = async (bytes) => {
    for (const event of parser.feed(Buffer.from(bytes, 'latin1'), 0)) controller.key(event);
    await turn();
    await turn();
  };
  await turn();
  await turn();
});
afterEach(() => screens.unmount());

/** Where a text stands on the screen, from 1 as the terminal counts. */
function placeOf(text: string): string {
  const rows = sink.frame.map((row) => row.replaceAll(/\x1b\[[\d;]*m/g, ''));
  const row = rows.findIndex((one) => one.includes(text));
  expect(row, `${text} in\n${rows.join('\n')}`).toBeGreaterThanOrEqual(0);
  return `${rows[row].indexOf(text) + 1};${row + 1}`;
}
const click = (place: string) => send(`\x1b[<0;${place}M\x1b[<0;${place}m`);

test('a click on the name of a screen opens it', async () => {
  await click(placeOf('3Job'));
  expect(store.getState().screen).toBe('jobs');
  await click(placeOf('1Ovw'));
  expect(store.getState().screen).toBe('overview');
});

test('a click on a row selects it and gives its pane the focus, whatever rows take', async () => {
  for (const phase of ['P3', 'P0', 'P2']) {
    await click(placeOf(` ${phase} `));
    expect(store.getState()).toMatchObject({ focus: 'phases', selected: { phases: phase } });
  }
  const job = SNAPSHOT.jobs[2].id;
  await click(placeOf(job));
  expect(store.getState()).toMatchObject({ focus: 'jobs', selected: { jobs: job } });
});

test('a click on a border selects nothing', async () => {
  const before = store.getState().selected;
  await click(placeOf(' Phases '));
  expect(store.getState().focus).toBe('phases');
  expect(store.getState().selected).toEqual(before);
});

test('the wheel moves in the pane under it, and stops at its ends', async () => {
  const place = placeOf(' P0 ');
  await send(`\x1b[<65;${place}M`);
  const at = selectedIndex(store.getState(), 'phases');
  await send(`\x1b[<64;${place}M`.repeat(9));
  expect(selectedIndex(store.getState(), 'phases')).toBe(0);
  await send(`\x1b[<65;${place}M`.repeat(9));
  expect(selectedIndex(store.getState(), 'phases')).toBe(visibleIds(store.getState(), 'phases').length - 1);
  expect(at).toBeGreaterThan(0);
});

test('a dialog takes no click', async () => {
  await send('x');
  const { overlay } = store.getState();
  expect(overlay?.kind).toBe('dialog');
  await click(placeOf('[ Stop it ]'));
  await send('\x1b[<65;5;5M');
  expect(store.getState().overlay).toBe(overlay);
  expect(supervisor.asked).toEqual([]);
});

test('other buttons, drags, releases and nonsense are nothing; off, so is everything', async () => {
  const before = store.getState();
  for (const what of ['<2;3;4M', '<32;3;4M', '<0;3;4m', '<0;0;0M', '<0;3M', '<64;99999;1M', 'M!!!', '<0;500;500M'])
    await send(`\x1b[${what}`);
  expect(store.getState()).toBe(before);
  store.setState({ mouse: false });
  const off = store.getState();
  await click(placeOf('3Job'));
  expect(store.getState()).toBe(off);
});
