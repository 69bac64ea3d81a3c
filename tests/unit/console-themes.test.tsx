/** What a theme may change: colours. What it may not: a word of the text, or what a state means. */
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { mountScreens } from '../../screens/root.tsx';
import { FrameSink } from '../../src/cli/replay-frame.ts';
import { noLimits } from '../../src/console/action.ts';
import { SCREENS } from '../../src/console/screens.ts';
import { createConsoleStore } from '../../src/console/store.ts';
import { type ThemeName, themedStyle } from '../../src/console/theme.ts';
import { CHECK_SIGNS, JOB_SIGNS, type StateSign, type Tone } from '../../src/format/states.ts';
import { SNAPSHOT } from '../helpers/scripted-supervisor.ts';

const THEMES: readonly ThemeName[] = ['dark', 'light', 'high-contrast', 'mono'];
/** How each tone begins, as the parameters of SGR sequences. */
const PAINTED: Readonly<Record<ThemeName, Readonly<Record<Tone, string>>>> = {
  dark: {
    plain: '',
    muted: '38;5;248',
    good: '38;5;114',
    warn: '38;5;221',
    bad: '1 38;5;210',
    info: '38;5;80',
    accent: '38;5;117',
    strong: '1',
    demo: '1 38;5;231 48;5;90',
  },
  light: {
    plain: '',
    muted: '38;5;240',
    good: '38;5;22',
    warn: '38;5;94',
    bad: '1 38;5;124',
    info: '38;5;24',
    accent: '38;5;25',
    strong: '1',
    demo: '1 38;5;231 48;5;90',
  },
  'high-contrast': {
    plain: '38;5;231 48;5;16',
    muted: '38;5;252 48;5;16',
    good: '38;5;120 48;5;16',
    warn: '38;5;227 48;5;16',
    bad: '1 38;5;217 48;5;16',
    info: '38;5;123 48;5;16',
    accent: '38;5;159 48;5;16',
    strong: '1 38;5;231 48;5;16',
    demo: '1 38;5;16 48;5;213',
  },
  mono: {
    plain: '',
    muted: '',
    good: '',
    warn: '',
    bad: '1',
    info: '',
    accent: '1',
    strong: '1',
    demo: '1 7',
  },
};
const SIZES = [
  { columns: 200, rows: 50 },
  { columns: 120, rows: 35 },
  { columns: 80, rows: 24 },
  { columns: 30, rows: 8 },
];
const SGR = /\x1b\[[\d;]*m/g;

/** The rows of every screen at every size. */
async function framesOf(theme: ThemeName, ascii = false): Promise<readonly string[]> {
  const frames: string[] = [];
  for (const size of SIZES) {
    const store = createConsoleStore(SNAPSHOT, size, { connected: true, selected: { phases: 'P1' } });
    const sink = new FrameSink();
    const style = themedStyle(theme, { ascii });
    const screens = mountScreens({ store, limits: noLimits(), style }, sink);
    for (const { id } of SCREENS) {
      store.setState({ screen: id });
      await turn();
      frames.push(...sink.frame);
    }
    screens.unmount();
  }
  return frames;
}

describe.each(THEMES)('%s', (theme) => {
  test('draws the same text, in its own colours', async () => {
    const frames = await framesOf(theme);
    const plain = await framesOf('mono');
    const text = (rows: readonly string[]) => rows.map((row) => row.replace(SGR, '').trimEnd());
    expect(text(frames)).toEqual(text(plain));
    const used = new Set(frames.join('').match(SGR));
    // Weight and inversion alone without colours; otherwise the fixed part of the 256 colours and no other.
    const allowed = theme === 'mono' ? /^\x1b\[(?:1|7|22|27)m$/ : /^\x1b\[(?:1|7|22|27|39|49|[34]8;5;\d+)m$/;
    for (const sequence of used) expect(sequence).toMatch(allowed);
    expect(used.size).toBeGreaterThan(theme === 'mono' ? 1 : 6);
  });

  test('paints its tones as kept', () => {
    const { wrap } = themedStyle(theme, { ascii: false });
    const painted = Object.keys(PAINTED[theme]).map((tone) => {
      const [open] = wrap({ text: tone, tone: tone as Tone });
      return [tone, open.replaceAll(/\x1b\[|m$/g, '').replaceAll('m', ' ')];
    });
    expect(Object.fromEntries(painted)).toEqual(PAINTED[theme]);
  });
});

test.each([
  ['checks', CHECK_SIGNS],
  ['jobs', JOB_SIGNS],
])('%s: every state has a word and an ASCII sign of its own', (_, signs) => {
  const all: StateSign[] = Object.values(signs);
  expect(new Set(all.map(({ word }) => word)).size).toBe(all.length);
  expect(new Set(all.map(({ ascii }) => ascii)).size).toBe(all.length);
  for (const { ascii } of all) expect(ascii).toMatch(/^[\x21-\x7e]$/);
});

test('in ASCII every theme sends ASCII only', async () => {
  for (const theme of THEMES) expect((await framesOf(theme, true)).join('')).toMatch(/^[\x1b\x20-\x7e]*$/);
});
