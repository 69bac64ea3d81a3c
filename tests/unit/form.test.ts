/** The launch form in the console: keys, questions to the supervisor, drafts, and what keeps it from launching. */
import { beforeEach, describe, expect, test } from 'vitest';
import { fieldRows } from '../../screens/form/fields.ts';
import { formLines } from '../../screens/form/lines.ts';
import { type Controller, createController } from '../../src/console/controller.ts';
import { startFeed } from '../../src/console/feed.ts';
import { fieldsOf, focusedField, formWords } from '../../src/console/form/model.ts';
import { formStatus } from '../../src/console/form/status.ts';
import { footerItems } from '../../src/console/keys.ts';
import { runCommand } from '../../src/console/palette/palette.ts';
import { type ConsoleStore, createConsoleStore } from '../../src/console/store.ts';
import { makeStyle } from '../../src/console/theme.ts';
import { lineText } from '../../src/format/lines.ts';
import { quietHost } from '../helpers/console-host.ts';
import {
  CAMPAIGN,
  NOW,
  type ScriptedSupervisor,
  SNAPSHOT,
  scriptedSupervisor,
} from '../helpers/scripted-supervisor.ts';

let store: ConsoleStore;
let supervisor: ScriptedSupervisor;
let controller: Controller;
let copied: string[];
let edit: (text: string) => Promise<string>;

beforeEach(async () => {
  copied = [];
  let ids = 0;
  supervisor = scriptedSupervisor(SNAPSHOT);
  store = createConsoleStore(SNAPSHOT, { columns: 120, rows: 40 }, { selected: { phases: 'P1' } });
  controller = createController(
    store,
    quietHost({
      supervisor: () => supervisor,
      copy: (text) => {
        copied.push(text);
        return 'sent';
      },
      now: () => NOW,
      edit: (text) => edit(text),
      newId: () => `key-${++ids}`,
    }),
  );
  startFeed(store, supervisor, () => NOW);
  await answered();
});

/** Lets questions and requests on their way be answered, and those that follow from the answers. */
const answered = async () => {
  for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve));
};
const press = async (...keys: string[]) => {
  for (const id of keys) controller.key({ type: 'key', id });
  await answered();
};
const type = (text: string) => press(...[...text].map((letter) => (letter === ' ' ? 'space' : letter)));
const form = () => {
  const { overlay } = store.getState();
  if (overlay?.kind !== 'form') throw new Error(`no form is open: ${overlay?.kind}`);
  return overlay;
};
const status = () => formStatus(store.getState(), form());
const palette = async (line: string) => {
  runCommand(
    {
      state: store.getState(),
      store,
      host: { supervisor: () => supervisor, newId: () => 'key-p' } as never,
      limits: controller.limits,
      toast: (text, tone) => store.setState({ toast: { text, tone } }),
      send: () => {},
    },
    line,
  );
  await answered();
};
const ended = { phases: 'P1', jobs: '0005-backtest-campaign' };

describe('editing an earlier job', () => {
  test('R fills the form with its arguments; buttons begin at Cancel; Enter there changes nothing', async () => {
    store.setState({ selected: ended });
    await press('R');
    expect(form()).toMatchObject({ rerunOf: '0005-backtest-campaign', button: null });
    expect(formWords(form()).args).toEqual(CAMPAIGN.slice(2));
    await press('ctrl+g');
    expect(form().button).toBe(0);
    await press('enter');
    expect(store.getState().overlay).toBeNull();
    expect(supervisor.asked).toEqual([]);
  });

  test('what is changed in it is what runs, once', async () => {
    store.setState({ selected: ended });
    await press('R', 'tab');
    expect(focusedField(form())?.name).toBe('--start');
    await press('backspace', '3');
    expect(formWords(form()).args[3]).toBe('2014-01-03');
    expect(status().blocker).toBeNull();
    await press('ctrl+g', 'L', 'L');
    expect(supervisor.asked).toEqual(['rerun 0005-backtest-campaign key-1']);
    expect(store.getState().overlay).toBeNull();
  });

  test('^e takes over what the editor saved, as one line; an editor that fails changes nothing; a switch has none', async () => {
    store.setState({ selected: ended });
    await press('R');
    edit = async (text) => `${text}\n X\n`;
    await press('ctrl+e');
    expect(formWords(form()).args[1]).toBe('US_EQ X ');
    edit = async () => {
      throw new Error('the editor ended with 1');
    };
    await press('ctrl+e');
    expect(formWords(form()).args[1]).toBe('US_EQ X ');
    expect(store.getState().toast?.text).toBe('the editor ended with 1');
    const at = fieldsOf(form()).findIndex((field) => field.kind === 'boolean');
    store.setState({ overlay: { ...form(), at } });
    await press('ctrl+e');
    expect(store.getState().toast?.text).toContain('switched, not typed');
  });

  test('letters are text in a field, L among them', async () => {
    store.setState({ selected: ended });
    await press('R');
    await type('Lq x');
    expect(formWords(form()).args[1]).toBe('US_EQLq x');
    expect(supervisor.asked).toEqual([]);
    controller.key({ type: 'paste', text: '\rL\r' });
    expect(formWords(form()).args[1]).toContain('US_EQLq x');
    expect(supervisor.asked).toEqual([]);
  });
});

describe('what keeps it from launching', () => {
  test('an argument that is wrong, named with what is allowed as it is typed', async () => {
    store.setState({ selected: ended });
    await press('R', 'tab', 'backspace');
    expect(status().validation?.problems).toEqual([
      { flag: '--start', message: "--start '2014-01-0': is not a date; write it as YYYY-MM-DD", of: 'program' },
    ]);
    expect(status().blocker).toContain('is not a date');
    await press('ctrl+g', 'L');
    expect(supervisor.asked).toEqual([]);
    expect(store.getState().toast?.text).toContain("L: --start '2014-01-0'");
    await press('shift+tab', 'shift+tab');
    expect(form().button).toBeNull();
  });

  test('a check that fails, with its reason; the estimate is there all the same', async () => {
    supervisor.answer('preflight', {
      checks: [{ name: 'overlap', state: 'FAIL', detail: '0007 is writing the same rows' }],
      estimate: { rows: null, seconds: null, bytes: null, basis: 'nothing measured' },
    });
    store.setState({ selected: ended });
    await press('R', 'ctrl+g', 'L');
    expect(supervisor.asked).toEqual([]);
    expect(status().blocker).toBe('overlap: 0007 is writing the same rows');
    expect(footerItems(store.getState()).find(({ key }) => key === 'L')).toBeUndefined();
    await press('tab', 'enter');
    expect(supervisor.asked).toEqual([]);
  });

  test('answers that have not come, and a read-only console', async () => {
    store.setState({ selected: ended });
    controller.key({ type: 'key', id: 'R' });
    expect(status().blocker).toBe('the arguments are still being checked');
    await answered();
    await press('ctrl+g');
    store.setState({ readOnly: true });
    await press('L', 'tab', 'enter');
    expect(supervisor.asked).toEqual([]);
    expect(store.getState().toast?.text).toContain('read-only');
  });
});

describe('a command of a phase', () => {
  test('F fills in the form with it, and leaves open what a person must say', async () => {
    await press('F');
    expect(formWords(form()).args).toEqual(CAMPAIGN.slice(2));
    await press('escape');
    store.setState({ selected: { phases: 'P0' } });
    await press('F');
    expect(form().program.name).toBe('data import');
    expect(formWords(form()).args.join(' ')).not.toMatch(/FILE|PATH|DIR/);
  });
});

describe('a new job', () => {
  test('is chosen from the list of programs, which letters filter', async () => {
    await palette('job new');
    await type('campaign');
    await press('down', 'up', 'enter');
    expect(form().program.name).toBe('backtest campaign');
    expect(focusedField(form())?.name).toBe('--market-id');
  });

  test('keeps what was typed for the session, each program its own', async () => {
    await palette('job new backtest campaign');
    await type('DE_EQ');
    await press('escape');
    await palette('job new data digest');
    await press('escape');
    await palette('job new backtest campaign');
    expect(formWords(form()).args).toEqual(['--market-id', 'DE_EQ']);
  });

  test('has fields of the job itself, which go with the request', async () => {
    store.setState({ selected: ended });
    await palette('job new backtest campaign');
    await press('ctrl+p');
    expect(formWords(form()).args).toEqual(CAMPAIGN.slice(2));
    while (focusedField(form())?.id !== 'job --nice') await press('up', 'up', 'down');
    await type('5');
    await press('ctrl+g', 'y', 'L');
    expect(copied[0]).toMatch(/^prometheus backtest campaign --market-id US_EQ .*--fill close/);
    expect(supervisor.asked).toEqual(['launch backtest campaign key-p']);
    expect(supervisor.launched[0].limits).toMatchObject({ nice: 5 });
  });

  test('of a program or job that is not there is refused in words', async () => {
    await palette('job new to the moon');
    expect(store.getState().toast?.text).toBe("there is no program 'to the moon'");
    await palette('job edit 99');
    expect(store.getState().toast?.text).toBe('there is no job 99');
    await palette('job edit 5');
    expect(form().rerunOf).toBe('0005-backtest-campaign');
  });
});

describe('a long paste', () => {
  test.each(['x', 'ä日', 'e\u0301', 'AAPL.US ', '://:'])('of %s is in the field, its end in sight', async (piece) => {
    await palette('job new backtest campaign');
    const text = piece.repeat(Math.floor(100_000 / piece.length)).trim();
    controller.key({ type: 'paste', text: `${text}END` });
    await answered();
    const { lines, focused } = fieldRows(form(), status(), 120);
    expect(lineText(lines[focused])).toMatch(/END \]/);
    expect(formLines(form(), status(), 120, 40, makeStyle({ colour: false, ascii: false })).length).toBeLessThanOrEqual(
      40,
    );
  });
});
