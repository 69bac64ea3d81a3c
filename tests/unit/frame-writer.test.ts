import xterm from '@xterm/headless';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameWriter, sharedBeginning } from '../../src/console/frame-writer.ts';
import { makeStyle } from '../../src/console/theme.ts';
import { renderLine, span } from '../../src/format/lines.ts';

const COLUMNS = 24;
const ROWS = 4;

/** A writer into a terminal emulator; `sent` collects what each frame cost. */
function terminal() {
  const term = new xterm.Terminal({ cols: COLUMNS, rows: ROWS, allowProposedApi: true });
  const sent: string[] = [];
  let written = Promise.resolve();
  const size = { columns: COLUMNS, rows: ROWS };
  const writer = new FrameWriter({
    get columns() {
      return size.columns;
    },
    get rows() {
      return size.rows;
    },
    write: (text) => {
      sent.push(text);
      written = new Promise((resolve) => term.write(text, resolve));
    },
  });
  writer.open();
  const cells = async () => {
    await written;
    return Array.from({ length: ROWS }, (_, y) =>
      Array.from({ length: COLUMNS }, (_, x) => {
        const cell = term.buffer.active.getLine(y)?.getCell(x);
        return `${cell?.getChars() || ' '}${cell?.isBold()}${cell?.isFgPalette() ? cell.getFgColor() : ''}`;
      }).join('|'),
    );
  };
  return { writer, sent, cells, size };
}

const style = makeStyle({ colour: true, ascii: false });
const piece = fc
  .tuple(
    fc.string({ unit: fc.constantFrom(...'ab XY█▁…日é'), maxLength: 9 }),
    fc.constantFrom('plain', 'bad', 'good', 'muted', 'demo'),
  )
  .map(([text, tone]) => span(text, tone as 'bad'));
const row = fc.array(piece, { maxLength: 4 }).map((line) => renderLine(line, COLUMNS, style).trimEnd());
const frame = fc.array(row, { minLength: ROWS, maxLength: ROWS }).map((rows) => rows.join('\n'));

describe('the frame writer', () => {
  test('leaves on the screen what a fresh start would draw, after any sequence of frames', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 6 }), async (frames) => {
        const walked = terminal();
        for (const one of frames) walked.writer.write(one);
        const fresh = terminal();
        fresh.writer.write(frames.at(-1)!);
        expect(await walked.cells()).toEqual(await fresh.cells());
      }),
      { numRuns: 150 },
    );
  });

  test('sends nothing for an unchanged frame, and only the end of a row that changed', () => {
    const { writer, sent } = terminal();
    writer.write('first row is here\nsecond\n\n');
    expect(sent).toHaveLength(1);
    writer.write('first row is here\nsecond\n\n');
    expect(sent).toHaveLength(1);
    writer.write('first row is HERE\nsecond\n\n');
    expect(sent[1]).toBe('\x1b[?2026h\x1b[1;14HHERE\x1b[K\x1b[?2026l');
    expect(writer.sent.rows).toBe(3);
  });

  test('never erases after the last column: that would take its character away', () => {
    const { writer, sent } = terminal();
    writer.write('x'.repeat(COLUMNS));
    expect(sent[0]).not.toContain('\x1b[K');
  });

  test('sends everything again when asked, and after the size changed', () => {
    const { writer, sent } = terminal();
    writer.write('a\nb');
    writer.repaint();
    expect(sent[1]).toBe(sent[0]);
    writer.forget();
    writer.repaintIfForgotten();
    expect(sent[2]).toBe(sent[0]);
    writer.repaintIfForgotten();
    expect(sent).toHaveLength(3);
  });

  test('never draws more rows than the terminal has', () => {
    const { writer, sent } = terminal();
    writer.write(Array.from({ length: 50 }, (_, i) => `row ${i}`).join('\n'));
    expect(sent[0]).toContain('row 3');
    expect(sent[0]).not.toContain('row 4');
  });

  test('drops frames before it is opened and after it is shut', () => {
    const { writer, sent } = terminal();
    writer.shut();
    writer.write('late');
    expect(sent).toEqual([]);
    writer.open();
    expect(sent[0]).toContain('late');
  });
});

describe('the shared beginning of two rows', () => {
  test('keeps the colours in force', () => {
    expect(sharedBeginning('\x1b[31mabcdefgh 1', '\x1b[31mabcdefgh 2')).toEqual({
      index: 14,
      column: 9,
      sgr: '\x1b[31m',
    });
    expect(sharedBeginning('\x1b[1m\x1b[31mabcdefg\x1b[39m1', '\x1b[1m\x1b[31mabcdefg\x1b[39m2').sgr).toBe('\x1b[1m');
  });

  test('never ends in the middle of a sequence or before a combining character', () => {
    expect(sharedBeginning('abcdefgh\x1b[31mx', 'abcdefgh\x1b[32mx')).toEqual({ index: 8, column: 8, sgr: '' });
    expect(sharedBeginning('abcdefghe', 'abcdefghe\u0301').index).toBe(0);
  });
});
