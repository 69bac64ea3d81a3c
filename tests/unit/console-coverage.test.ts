import { beforeEach, expect, test } from 'vitest';
import { startAsking } from '../../src/console/asking.ts';
import { type Controller, createController } from '../../src/console/controller.ts';
import { formWords } from '../../src/console/form/model.ts';
import { coverageDays, dayCursor } from '../../src/console/grids.ts';
import { coverageCursor } from '../../src/console/lists.ts';
import { type ConsoleStore, createConsoleStore } from '../../src/console/store.ts';
import { quietHost } from '../helpers/console-host.ts';
import { type ScriptedSupervisor, SNAPSHOT, scriptedSupervisor } from '../helpers/scripted-supervisor.ts';

let store: ConsoleStore;
let supervisor: ScriptedSupervisor;
let controller: Controller;

beforeEach(() => {
  supervisor = scriptedSupervisor(SNAPSHOT);
  store = createConsoleStore(SNAPSHOT, { columns: 160, rows: 45 }, { connected: true });
  const asking = startAsking(store, supervisor, () => 0);
  store.subscribe(() => asking.look());
  controller = createController(
    store,
    quietHost({
      supervisor: () => supervisor,
    }),
  );
});
const press = (...keys: string[]) => {
  for (const id of keys) controller.key({ type: 'key', id });
};
const arrived = () => new Promise((resolve) => setImmediate(resolve));
const day = () => coverageDays(store.getState())?.[dayCursor(store.getState())!].date;

test('the cursor begins at the newest year that is not complete, and its days at the first gap', async () => {
  press('5', 'j', 'j');
  await arrived();
  expect(coverageCursor(store.getState())).toMatchObject({ row: { name: 'num-regime-core-v1' }, year: 2024 });
  expect(day()).toBe('2024-10-07');
});

test('h and l move by years among the tables and by days in the grid, j and k there by months; the ends hold', async () => {
  press('5', 'h', 'h');
  await arrived();
  expect(coverageCursor(store.getState())?.year).toBe(2022);
  press('tab', 'l', 'j', 'k', 'k');
  expect(day()).toBe('2022-09-09');
  press('h');
  expect(day()).toBe('2022-09-08');
  press(...Array.from({ length: 400 }, () => 'h'));
  expect(day()).toBe('2022-01-03');
  press('k');
  expect(day()).toBe('2022-01-03');
});

test('F opens the form filled with the backfill of the selected gap, and launches nothing by itself', async () => {
  press('5', 'j', 'j');
  await arrived();
  press('F');
  await arrived();
  const { overlay } = store.getState();
  if (overlay?.kind !== 'form') throw new Error('no form is open');
  expect(formWords(overlay)).toMatchObject({
    program: 'backfill numeric-embeddings',
    args: ['--start-date', '2024-10-07', '--end-date', '2024-12-31'],
  });
  expect(supervisor.asked).toEqual([]);
});

test('+ goes from years to days and to instruments, - back; E says what is expected', async () => {
  press('5', 'j', 'j');
  await arrived();
  press('+');
  expect(store.getState().focus).toBe('days');
  press('+');
  expect(store.getState().focus).toBe('missing');
  press('+');
  expect(store.getState().toast?.text).toContain('nothing is finer than instruments');
  press('-', '-');
  expect(store.getState().focus).toBe('heat');
  press('E');
  expect(store.getState().overlay).toMatchObject({
    kind: 'dialog',
    title: 'Expected of num-regime-core-v1',
    body: [expect.stringContaining('from its 54th price on'), expect.anything()],
    buttons: [{ label: 'Close', request: null }],
  });
});

test('l does nothing in a list that is no grid, and says why', async () => {
  press('5', 'tab', 'tab', 'l');
  await arrived();
  expect(store.getState().toast?.text).toContain('only in the grids');
});

test('c goes from marks over percent to counts and back', () => {
  press('5');
  const units = [0, 1, 2].map(() => {
    press('c');
    return store.getState().cellUnit;
  });
  expect(units).toEqual(['percent', 'count', 'mark']);
});

test('R asks before the exact recount, which is a job', async () => {
  press('5', 'R');
  const { overlay } = store.getState();
  expect(overlay).toMatchObject({ kind: 'dialog', focus: 0, command: 'prometheus coverage recount' });
  expect(supervisor.asked).toEqual([]);
  press('L');
  await arrived();
  expect(supervisor.asked).toEqual(['launch coverage recount key']);
});
