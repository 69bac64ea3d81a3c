/** The log of the Jobs screen, kept up to date as the supervisor tells of news. */
import { expect, test } from 'vitest';
import { startLogDesk } from '../../src/console/log/desk.ts';
import { createConsoleStore } from '../../src/console/store.ts';
import { LogSource } from '../helpers/log-source.ts';
import { SNAPSHOT, scriptedSupervisor } from '../helpers/scripted-supervisor.ts';

test('a pace falls when nothing comes any more, though nothing tells of it', async () => {
  const source = new LogSource();
  const supervisor = scriptedSupervisor(SNAPSHOT);
  const read = async (_: string, { file, offset, length }: { file: 'out'; offset: number; length: number }) => {
    const { size, bytes, problem } = await source.read(file, offset, length);
    return { size, data: Buffer.from(bytes).toString('base64'), problem };
  };
  let now = 0;
  const store = createConsoleStore(SNAPSHOT, { columns: 120, rows: 40 }, { connected: true, screen: 'jobs' });
  const desk = startLogDesk(store, Object.assign(supervisor, { read: read as typeof supervisor.read }), () => now);
  const view = () => store.getState().log!.view;
  const settled = async () => {
    await view().settled();
    while (view().frame.totals.counted < view().frame.totals.bytes) await new Promise(setImmediate);
  };
  for (let second = 0; second < 5; second++) {
    now = 1000 * second;
    source.append('out', `line ${second}\n`);
    store.setState(({ snapshot }) => ({ snapshot: { ...snapshot, detail: { ...snapshot.detail! } } }));
    desk.look();
    await settled();
  }
  expect(view().frame.inflow?.perSecond).toBeCloseTo(1, 1);
  for (let second = 5; second < 15; second++) {
    now = 1000 * second;
    desk.tick();
    await settled();
  }
  expect(view().frame.inflow).toBeNull();
  desk.stop();
});
