import { expect, test } from 'vitest';
import { paletteColour } from '../../src/format/colours.ts';
import { frameSvg } from '../../src/format/frame-svg.ts';

const COLOURS = { foreground: '#dddddd', background: '#111111' };
const draw = (...rows: string[]) => frameSvg(rows, { columns: 20, rows: rows.length }, COLOURS, 'a & b');

test('the 256 colours are those of xterm', () => {
  expect([16, 231, 196, 232, 255, 114].map(paletteColour)).toEqual([
    '#000000',
    '#ffffff',
    '#ff0000',
    '#080808',
    '#eeeeee',
    '#87d787',
  ]);
});

test('says what it shows', () => {
  expect(draw('')).toContain('<title>a &amp; b</title>');
});

test('words stand at their columns, signs alone, in their colours', () => {
  const picture = draw('a few words   \x1b[38;5;114m✓ OK\x1b[39m');
  expect(picture).toContain('width="176" height="34"');
  expect(picture).toContain('<tspan x="8" textLength="88">a few words</tspan>');
  expect(picture).toMatch(/fill="#87d787"><tspan x="120">✓<\/tspan><tspan x="136" textLength="16">OK<\/tspan>/);
});

test('wide characters take two cells, and markup in text stays text', () => {
  expect(draw('日<b>')).toContain('<tspan x="24" textLength="24">&lt;b&gt;</tspan>');
});

test('weight, inversion and background', () => {
  const picture = draw('\x1b[1mA\x1b[22m\x1b[7mB\x1b[27m\x1b[1m\x1b[38;5;231m\x1b[48;5;90mC\x1b[49m\x1b[39m\x1b[22m');
  expect(picture).toContain('font-weight="bold"><tspan x="8">A');
  expect(picture).toContain('<rect x="16" y="8" width="8" height="18" fill="#dddddd"/>');
  expect(picture).toContain('fill="#111111"><tspan x="16">B');
  expect(picture).toContain('<rect x="24" y="8" width="8" height="18" fill="#870087"/>');
});

test('lines, blocks and braille are drawn, and neighbours meet', () => {
  const path = (row: string) => /<path d="([^"]*)"/.exec(draw(row))![1];
  // Both halves of two neighbouring lines: from the left edge of the first cell to the right edge of the second.
  const edges = [...path('──').matchAll(/M([\d.]+) [\d.]+h([\d.]+)v/g)].map(([, x, w]) => [
    Number(x),
    Number(x) + Number(w),
  ]);
  expect(Math.min(...edges.map(([from]) => from))).toBeLessThanOrEqual(8);
  expect(Math.max(...edges.map(([, to]) => to))).toBeGreaterThanOrEqual(24);
  expect(path('█')).toBe('M8 8h8v18h-8z');
  expect(path('▁')).toBe('M8 23.75h8v2.25h-8z');
  // Dots 1 and 8 of the braille cell: upper left and lower right.
  expect(path('⢁')).toBe('M9 9.25h2v2h-2zM13 22.75h2v2h-2z');
  expect(draw('█x█')).toContain('<tspan x="16">x</tspan>');
});
