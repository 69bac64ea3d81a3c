import { describe, expect, test } from 'vitest';
import { createKeyParser } from '../../src/console/key-parser.ts';
import {
  capabilities,
  luminance,
  makeStyle,
  PAINTED,
  type Paint,
  themedStyle,
  themeForBackground,
} from '../../src/console/theme.ts';
import type { Tone } from '../../src/format/states.ts';
import { homeAt } from '../../src/platform/home.ts';
import { loadSettings } from '../../src/platform/settings.ts';
import { THEMES } from '../../src/platform/themes.ts';

type Rgb = readonly [number, number, number];

/** A colour of the fixed part of the 256: a cube of six steps a channel, then greys. */
function rgbOf(index: number): Rgb {
  if (index >= 232) return Array.from({ length: 3 }, () => (8 + 10 * (index - 232)) / 255) as unknown as Rgb;
  const steps = [0, 95, 135, 175, 215, 255];
  const place = index - 16;
  return [Math.floor(place / 36), Math.floor(place / 6) % 6, place % 6].map(
    (step) => steps[step] / 255,
  ) as unknown as Rgb;
}
const hex = (text: string): Rgb =>
  [1, 3, 5].map((from) => Number.parseInt(text.slice(from, from + 2), 16) / 255) as unknown as Rgb;

function contrast(a: Rgb, b: Rgb): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

const painted = Object.entries(PAINTED).flatMap(([name, { backgrounds, tones }]) =>
  (Object.entries(tones) as [Tone, Paint][])
    .filter(([, paint]) => paint.fg !== undefined)
    .flatMap(([tone, { fg, bg }]) =>
      (bg === undefined ? backgrounds.map(hex) : [rgbOf(bg)]).map((behind) => ({ name, tone, fg: fg!, behind })),
    ),
);

describe('themes', () => {
  test('the measure of contrast is the one of WCAG', () => {
    expect(contrast([0, 0, 0], [1, 1, 1])).toBeCloseTo(21);
    expect(contrast(hex('#767676'), [1, 1, 1])).toBeCloseTo(4.54, 2);
  });

  test.each(painted)('$name: $tone stands out from what is behind it', ({ name, fg, behind }) => {
    // What the terminal's own palette holds cannot be known.
    expect(fg).toBeGreaterThanOrEqual(16);
    expect(contrast(rgbOf(fg), behind)).toBeGreaterThanOrEqual(name === 'high-contrast' ? 7 : 4.5);
  });

  test('every tone is there in each, and ends what it begins', () => {
    for (const name of THEMES) {
      if (name === 'auto') continue;
      const style = themedStyle(name, { ascii: true });
      expect(style.ascii).toBe(true);
      for (const tone of Object.keys(PAINTED.dark.tones) as Tone[]) {
        const [open, close] = style.wrap({ text: 'x', tone, bold: true, inverse: true });
        const begun = open.match(/\x1b\[[\d;]+m/g)!;
        expect(close.match(/\x1b\[[\d;]+m/g), `${name} ${tone}`).toHaveLength(begun.length);
      }
    }
  });

  test('mono and NO_COLOR send no colour at all', () => {
    const styles = [themedStyle('mono', { ascii: false }), makeStyle(capabilities({ NO_COLOR: '1' }))];
    for (const { wrap } of styles) {
      for (const tone of Object.keys(PAINTED.dark.tones) as Tone[]) {
        expect(wrap({ text: 'x', tone }).join('')).not.toMatch(/\[(3|4|9|10)\d/);
      }
    }
  });

  test.each([
    ['11;rgb:ffff/ffff/ffff', 'light'],
    ['11;rgb:fdfd/f6f6/e3e3', 'light'],
    ['11;rgb:00/2b/36', 'dark'],
    ['11;rgba:1e1e/1e1e/1e1e/ffff', 'dark'],
    ['11;#ffffff', null],
    ['10;rgb:ffff/ffff/ffff', null],
    ['52;c;bHM=', null],
  ])('%s is %s', (reply, theme) => expect(themeForBackground(reply)).toBe(theme));

  test('the settings name one, or leave it to the terminal', () => {
    expect(THEMES).toContain(loadSettings(homeAt('/nowhere'), {}).console.theme);
  });
});

describe('answers of the terminal', () => {
  const read = (...pieces: string[]) => {
    const replies: string[] = [];
    const parser = createKeyParser({ escapeTimeoutMs: 25, onReply: (text) => replies.push(text) });
    const keys = pieces.flatMap((piece, i) => {
      const late = parser.tick(i * 200);
      return [...late, ...parser.feed(Buffer.from(piece, 'latin1'), i * 200)];
    });
    return { replies, keys: keys.map((event) => (event.type === 'key' ? event.id : 'paste')) };
  };

  test.each([['\x07'], ['\x1b\\']])('reach who asked, whole or in pieces, and are no keys', (end) => {
    const reply = `\x1b]11;rgb:ffff/ffff/ffff${end}`;
    expect(read(`j${reply}k`)).toEqual({ replies: ['11;rgb:ffff/ffff/ffff'], keys: ['j', 'k'] });
    expect(read(reply.slice(0, 9), reply.slice(9))).toEqual({ replies: ['11;rgb:ffff/ffff/ffff'], keys: [] });
  });

  test('that were split behind ESC on a slow link are no letters', () => {
    expect(read('\x1b', ']11;rgb:0/0/0\x07')).toEqual({ replies: ['11;rgb:0/0/0'], keys: ['escape'] });
  });

  test('to nobody, and those that never end, stay without effect', () => {
    const parser = createKeyParser({ escapeTimeoutMs: 25 });
    expect(parser.feed(Buffer.from('\x1b]11;rgb:0/0/0\x07j'), 0)).toEqual([{ type: 'key', id: 'j' }]);
    expect(read(`\x1b]${'x'.repeat(5000)}`).keys).toEqual([]);
  });
});
