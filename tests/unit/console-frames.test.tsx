/**
 * Whole frames kept as files: text, and beside it which cells are in which colour. A change of the screens shows up there as a
 * difference to be looked at; `npx vitest run console-frames -u` takes it over.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { mountScreens } from '../../screens/root.tsx';
import { FrameSink } from '../../src/cli/replay-frame.ts';
import { noLimits } from '../../src/console/action.ts';
import { needKey } from '../../src/console/answers.ts';
import { needsOf } from '../../src/console/needs.ts';
import { SCREENS, type ScreenId } from '../../src/console/screens.ts';
import { createConsoleStore } from '../../src/console/store.ts';
import type { Size } from '../../src/console/terminal.ts';
import { themedStyle } from '../../src/console/theme.ts';
import { cellWidth } from '../../src/format/width.ts';
import { NOW, SNAPSHOT, scriptedSupervisor } from '../helpers/scripted-supervisor.ts';

const SIZES: readonly Size[] = [
  { columns: 80, rows: 24 },
  { columns: 120, rows: 35 },
];

/** The rows of a screen with all that it asks for answered; the clock stands still. */
async function frameOf(
  screen: ScreenId,
  size: Size,
  snapshot = SNAPSHOT,
  supervisor = scriptedSupervisor(snapshot),
): Promise<readonly string[]> {
  const store = createConsoleStore(snapshot, size, { connected: true, selected: { phases: 'P1' }, screen });
  const sink = new FrameSink();
  const style = themedStyle('dark', { ascii: false });
  const screens = mountScreens({ store, limits: noLimits(), style }, sink);
  // Answers lead to further questions.
  for (let round = 0; round < 3; round++) {
    for (const need of needsOf(store.getState())) {
      const answer = { value: await supervisor.read(need.name, need.args), at: NOW, problem: null };
      store.setState((state) => ({ answers: { ...state.answers, [needKey(need)]: answer } }));
    }
  }
  await turn();
  await turn();
  const { frame } = sink;
  screens.unmount();
  return frame;
}

const SGR = /\x1b\[([\d;]*)m/g;

/** Stretches of a row that are not in the plain colour: `12-18 1;38;5;210`, columns from 0, the last included. */
function colours(row: string): string {
  const stretches: { first: number; last: number; look: string }[] = [];
  let attributes: string[] = [];
  let column = 0;
  let from = 0;
  for (const match of row.matchAll(SGR)) {
    const width = cellWidth(row.slice(from, match.index));
    if (width > 0 && attributes.length > 0) {
      const [look, last] = [attributes.toSorted().join('+'), column + width - 1];
      const before = stretches.at(-1);
      // However many sequences it is made of, what looks the same is one stretch.
      if (before?.last === column - 1 && before.look === look) before.last = last;
      else stretches.push({ first: column, last, look });
    }
    column += width;
    from = match.index + match[0].length;
    attributes = applied(attributes, match[1]);
  }
  return stretches.map(({ first, last, look }) => `${first}-${last} ${look}`).join(', ');
}

/** The attributes after one sequence: what it closes is gone, what it opens comes last. */
function applied(attributes: readonly string[], code: string): string[] {
  const kinds: readonly [closing: string, opened: RegExp][] = [
    ['39', /^(38;|3[0-7]$|9[0-7]$)/],
    ['49', /^(48;|4[0-7]$|10[0-7]$)/],
    ['22', /^[12]$/],
    ['27', /^7$/],
  ];
  if (code === '' || code === '0') return [];
  const closed = kinds.find(([closing]) => closing === code);
  if (closed) return attributes.filter((one) => !closed[1].test(one));
  const own = kinds.find(([, opened]) => opened.test(code));
  return [...attributes.filter((one) => !own?.[1].test(one)), code];
}

describe.each(SIZES)('at $columns×$rows', (size) => {
  test.each(SCREENS.map(({ id }) => id))('%s is as kept, in text and in colour', async (screen) => {
    const rows = await frameOf(screen, size);
    expect(rows).toHaveLength(size.rows);
    const name = `../snapshots/console/${screen}-${size.columns}x${size.rows}`;
    const text = rows.map((row) => row.replace(SGR, '').trimEnd());
    await expect(`${text.join('\n')}\n`).toMatchFileSnapshot(`${name}.txt`);
    await expect(`${rows.map((row, i) => `${i}: ${colours(row)}`.trimEnd()).join('\n')}\n`).toMatchFileSnapshot(
      `${name}.colours.txt`,
    );
  });
});

describe('figures of a job', () => {
  const models = ['num-stab-core-v1', 'num-regime-core-v1', 'num-profile-core-v1', 'num-scenario-core-v1'];
  const points = Array.from({ length: 40 }, (_, i) => i % 17);
  const series = ['vectors', 'batch time', 'errors'].flatMap((name) =>
    models.map((model) => ({
      ...{ source: 'program', name, series: model, unit: name === 'batch time' ? 'ms' : `${name}/s`, last: 1_331_465 },
      ...{ t: points.map((_, i) => NOW - 1000 * (40 - i)), mean: points, low: points, high: points },
    })),
  );

  test.each([
    { columns: 200, rows: 50 },
    { columns: 160, rows: 45 },
    { columns: 120, rows: 35 },
  ])('show how each went at $columns×$rows, however long the names of its series', async (size) => {
    const supervisor = scriptedSupervisor(SNAPSHOT);
    supervisor.answer('jobSeries', { series, dropped: 0 } as never);
    const rows = (await frameOf('jobs', size, SNAPSHOT, supervisor)).map((row) => row.replace(SGR, ''));
    const told = rows.filter((row) => /(?<!last )1,331,465/.test(row));
    expect(told.length).toBeGreaterThan(3);
    for (const row of told) expect(row).toMatch(/[▁▂▃▄▅▆▇█]{8}/);
  });
});

describe('at rest', () => {
  // In the same minute of the clock, and what was read 38 s ago is not a minute old yet.
  const later = NOW + 15_000;
  const ended = SNAPSHOT.jobs.filter(({ state }) => state !== 'RUN' && state !== 'QUEUE');

  test.each(SCREENS.map(({ id }) => id))('%s stands still until the minute is over', async (screen) => {
    const size = { columns: 200, rows: 50 };
    const resting = { ...SNAPSHOT, jobs: ended, detail: null };
    const before = await frameOf(screen, size, resting);
    expect(await frameOf(screen, size, { ...resting, at: later })).toEqual(before);
    expect(before.join('\n')).toContain('14:22 UTC');
  });
});
