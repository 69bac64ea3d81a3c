import xterm from '@xterm/headless';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Canvas, cellsOf } from '../../src/console/canvas.ts';
import { makeStyle } from '../../src/console/theme.ts';
import { renderLine, span } from '../../src/format/lines.ts';
import { cellWidth } from '../../src/format/width.ts';

const COLUMNS = 20;
const ROWS = 5;
const style = makeStyle({ colour: true, ascii: false });
const SGR = /\x1b\[[\d;]*m/g;

const piece = fc
  .tuple(
    fc.string({ unit: fc.constantFrom(...'ab XY█…日é'), maxLength: 9 }),
    fc.constantFrom('plain', 'bad', 'good', 'muted', 'demo'),
  )
  .map(([text, tone]) => span(text, tone as 'bad'));
const line = fc.array(piece, { maxLength: 4 });

/** What a terminal shows of rows that are written at places, one over the other. */
async function shown(writes: readonly { left: number; top: number; text: string }[]): Promise<string[]> {
  const term = new xterm.Terminal({ cols: COLUMNS, rows: ROWS, allowProposedApi: true });
  const text = writes.map((one) => `\x1b[${one.top + 1};${one.left + 1}H${one.text}\x1b[0m`).join('');
  await new Promise<void>((resolve) => term.write(`\x1b[?7l${text}`, resolve));
  return Array.from({ length: ROWS }, (_, y) =>
    Array.from({ length: COLUMNS }, (_, x) => {
      const cell = term.buffer.active.getLine(y)?.getCell(x);
      // Half of a wide character is a blank whose colour the emulator takes from whatever covers the other half.
      if (!cell?.getChars().trim()) return ' ';
      return `${cell.getChars()}${cell.isBold()}${cell.isDim()}${cell.getFgColor()},${cell.getBgColor()}`;
    }).join('|'),
  );
}

const block = (over: boolean) =>
  fc
    .record({
      left: fc.nat(COLUMNS - 1),
      top: fc.nat(ROWS - 1),
      width: fc.integer({ min: 1, max: COLUMNS }),
      lines: fc.array(line, { minLength: 1, maxLength: ROWS }),
    })
    .map(({ left, top, width, lines }) => {
      const fitting = Math.min(width, COLUMNS - left);
      const rows = lines.slice(0, ROWS - top).map((one) => renderLine(one, fitting, style));
      return { left, top, width: fitting, rows, over };
    });

describe('the canvas', () => {
  test('shows what a terminal does on which the blocks are written one after the other', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(block(false), { maxLength: 4 }),
        fc.array(block(true), { maxLength: 2 }),
        async (under, over) => {
          const canvas = new Canvas(() => {});
          // Whatever lies over comes last, in whichever order it was put there.
          for (const [i, one] of [...over, ...under].entries()) canvas.put(i, one);
          const rows = canvas.frame(COLUMNS, ROWS);
          expect(rows).toHaveLength(ROWS);
          const writes = [...under, ...over].flatMap(({ left, top, rows }) =>
            rows.map((text, i) => ({ left, top: top + i, text })),
          );
          expect(await shown(rows.map((text, top) => ({ left: 0, top, text })))).toEqual(await shown(writes));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('cuts off what does not fit', () => {
    const canvas = new Canvas(() => {});
    canvas.put('a', { left: 1, top: 0, width: 4, rows: ['\x1b[1mabcd\x1b[22m', 'efgh'], over: false });
    expect(canvas.frame(3, 1)).toEqual([' \x1b[1mab\x1b[0m']);
  });

  test('cuts in the middle of colours and of wide characters', () => {
    const canvas = new Canvas(() => {});
    canvas.put('under', { left: 0, top: 0, width: 8, rows: ['\x1b[45ma日b日c\x1b[49m '], over: false });
    canvas.put('over', { left: 2, top: 0, width: 3, rows: ['xyz'], over: true });
    expect(canvas.frame(8, 1)).toEqual(['\x1b[45ma \x1b[0mxyz\x1b[45m c\x1b[49m']);
  });

  test('tells once of all changes of one moment, and of those that follow', async () => {
    let told = 0;
    const canvas = new Canvas(() => told++);
    canvas.put('a', { left: 0, top: 0, width: 1, rows: ['a'], over: false });
    canvas.put('b', { left: 1, top: 0, width: 1, rows: ['b'], over: false });
    await null;
    expect(told).toBe(1);
    canvas.remove('a');
    await null;
    expect(told).toBe(2);
    expect(canvas.frame(2, 1)).toEqual([' b']);
  });

  test('any cells of a row are as wide as they should be', () => {
    fc.assert(
      fc.property(line, fc.nat(COLUMNS), fc.nat(COLUMNS), (one, a, b) => {
        const [from, to] = a < b ? [a, b] : [b, a];
        const cells = cellsOf(renderLine(one, COLUMNS, style), from, to);
        expect(cellWidth(cells.replace(SGR, ''))).toBe(to - from);
      }),
    );
  });
});
