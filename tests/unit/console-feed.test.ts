/** Snapshots into the store: a screen that is held still, and goes on. */
import { expect, it } from 'vitest';
import { startFeed } from '../../src/console/feed.ts';
import { createConsoleStore } from '../../src/console/store.ts';
import { NOW, SNAPSHOT, scriptedSupervisor } from '../helpers/scripted-supervisor.ts';

it('shows nothing new while it is held still, and the newest when it goes on, as often as one likes', () => {
  const supervisor = scriptedSupervisor(SNAPSHOT);
  const store = createConsoleStore(SNAPSHOT, { columns: 120, rows: 40 }, {});
  const feed = startFeed(store, supervisor, () => NOW);
  for (let sequence = 1; sequence <= 3; sequence++) {
    store.setState({ paused: true });
    const held = store.getState().snapshot;
    supervisor.change({ home: `/home/${sequence}` });
    expect(store.getState().snapshot).toBe(held);
    store.setState({ paused: false });
    expect(store.getState().snapshot.home).toBe(`/home/${sequence}`);
  }
  feed.stop();
});
