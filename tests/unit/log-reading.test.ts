/** Lines of logs of any size, from any place: what is read by windows is a slice of what reading the whole gives. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LOG_STREAMS, type LogLine, type LogStream, levelOf } from '../../src/console/log/line.ts';
import { endOf, type LineBlock, lineCount, linesOf } from '../../src/console/log/line-block.ts';
import { MergedLog } from '../../src/console/log/merged-log.ts';
import type { Wanted } from '../../src/console/log/query.ts';
import { lineTextOf, visibleText } from '../../src/console/log/text.ts';
import { cleanText } from '../../src/format/width.ts';
import { extents, gather, LogSource } from '../helpers/log-source.ts';

/** Bytes with many newlines, returns, wide and broken characters. */
const bytesOf = (maxLength: number) =>
  fc
    .array(fc.constantFrom('a', 'b', '\n', '\n', '\r', 'é', '漢', '\x1b', '\xff'), { maxLength })
    .map((parts) => Buffer.from(parts.join(''), 'latin1'));

describe('lines of blocks', () => {
  it('are the lines of the file, whatever the size of the blocks', () => {
    fc.assert(
      fc.property(bytesOf(120), fc.integer({ min: 1, max: 20 }), (bytes, size) => {
        const count = Math.ceil(bytes.length / size);
        const part = (i: number) => (i < 0 || i >= count ? null : bytes.subarray(i * size, (i + 1) * size));
        const blocks = Array.from(
          { length: count },
          (_, i): LineBlock => linesOf(i, { before: part(i - 1), block: part(i)!, after: part(i + 1) }, size),
        );
        const found = blocks.flatMap((block) => Array.from(block.starts, (start, i) => [start, endOf(block, i)]));
        expect(found).toEqual(extents(bytes, size));
        for (const [i, { starts }] of blocks.entries())
          expect(lineCount({ before: part(i - 1), block: part(i)! })).toBe(starts.length);
        for (const block of blocks) {
          const { offset, bytes: held, starts } = block;
          for (const [i, start] of starts.entries()) {
            const end = endOf(block, i);
            expect(held.subarray(start - offset, end - offset)).toEqual(bytes.subarray(start, end));
          }
        }
        const open = blocks.filter((block) => block.open);
        const last = extents(bytes, size).at(-1);
        const unfinished = last !== undefined && bytes.at(-1) !== 10 && bytes.length % size !== 0;
        // A line that fills its last block to the end may be cut there or go on: both are right for what is known.
        if (bytes.length % size !== 0) expect(open.length).toBe(unfinished ? 1 : 0);
      }),
    );
  });

  it('are as they were when the file has grown, but for the last two blocks', () => {
    fc.assert(
      fc.property(bytesOf(80), bytesOf(40), fc.integer({ min: 1, max: 12 }), (before, more, size) => {
        const settled = Math.max(0, Math.ceil(before.length / size) - 2) * size;
        const early = (bytes: Buffer) => extents(bytes, size).filter(([start]) => start < settled);
        expect(early(Buffer.concat([before, more]))).toEqual(early(before));
      }),
    );
  });
});

describe('text', () => {
  const text = (raw: string) => lineTextOf(Buffer.from(raw, 'latin1'), 0, Buffer.byteLength(raw, 'latin1'));
  it.each([
    ['a progress bar is its last state', '10 %\r20 %\r30 %', '30 %'],
    ['a return before the end replaces nothing', '30 %\r', '30 %'],
    ['colours are no text', '\x1b[1;31mred\x1b[0m', 'red'],
    ['a title is shown, not set', '\x1b]0;title\x07x', '^[]0;title^Gx'],
    ['a clipboard is shown, not filled', '\x1b]52;c;QQ==\x1b\\', '^[]52;c;QQ==^[\\'],
    ['cursor and screens stay', '\x1b[2J\x1b[?1049h\x1b[H', '^[[2J^[[?1049h^[[H'],
    ['8-bit controls are spelled', '\xc2\x9d52', '<U+009D>52'],
    ['tabs go to their stops', 'a\tb', 'a       b'],
    ['broken UTF-8 is replaced', 'a\xffb', 'a\ufffdb'],
    ['what turns text around is spelled', '\xe2\x80\xaex', '<U+202E>x'],
  ])('%s', (_what, raw, shown) => {
    expect(text(raw)).toBe(shown);
  });

  it('of a line without an end is cut, and says how much is left out', () => {
    expect(text('x'.repeat(10_000))).toBe(`${'x'.repeat(8192)} … (+1808 bytes)`);
    expect(text(`${'x'.repeat(8191)}\xc3\xa9`)).toBe(`${'x'.repeat(8191)} … (+1 bytes)`);
  });

  it('holds nothing that a row would have to take out', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (raw) => {
        const shown = visibleText(raw.toWellFormed().replaceAll('\n', ''));
        expect(cleanText(shown)).toBe(shown);
      }),
    );
  });
});

describe('levels', () => {
  it.each([
    ['2025-12-01 14:22:06,123 INFO Date complete: failures=0', 'info'],
    ['WARNING: x', 'warn'],
    ['[error] no such file', 'error'],
    ['warn: AXPE.US has no price', 'warn'],
    ['Traceback (most recent call last):', 'error'],
    ['  File "x.py", line 3, in main', 'error'],
    ["KeyError: 'close'", 'error'],
    ['psycopg2.errors.UndefinedColumn: x', null],
    ['    at main (file:///a.js:3:4)', 'error'],
    ['2025-12-01 14:22:06,123 Traceback (most recent call last):', 'error'],
    ['worker-3  | Traceback (most recent call last):', 'error'],
    ['worker-3  |   File "x.py", line 3, in main', 'error'],
    ["worker-3  | KeyError: 'close'", 'error'],
    ['[rank0]: [2025-12-01T14:22:06Z]   File "x.py", line 3, in main', 'error'],
    ['(pid=12) engine.load: urllib3.exceptions.ReadTimeoutError: slow', 'error'],
    ['  + Exception Group Traceback (most recent call last):', 'error'],
    ['  |   File "x.py", line 3, in main', 'error'],
    ['app-1 |     at main (file:///a.js:3:4)', 'error'],
    ['worker-3  | 12 Errors so far', null],
    ['the log says: no Traceback (most recent call last):', null],
    ['DEBUG x', 'debug'],
    ['informed of errors', null],
    ['day 3 of 61', null],
  ])('%s', (line, level) => {
    expect(levelOf(line)).toBe(level);
  });

  it('are told of a long line that begins as many ways', () => {
    for (const lead of ['12: ', '12 | ', 'a | ', 'a: ', '[x] ', '(x)', '| + > ']) {
      expect(levelOf(lead.repeat(20_000))).toBeNull();
    }
  });
});

/** Something that a job does: speak, or be noted by its shim. */
const step = fc.oneof(
  fc.record({ stream: fc.constantFrom<LogStream>('out', 'err'), text: fc.constantFrom('a\n', 'bb\nc\n', 'xx', '\n') }),
  fc.record({
    stream: fc.constant<LogStream>('events'),
    text: fc.constantFrom(
      '{"t":5,"type":"log","level":"warn","message":"a b"}\n',
      '{"t":6,"type":"progress","done":1,"total":2,"unit":"x"}\n',
      'no event\n',
    ),
  }),
  fc.record({ note: fc.nat(3) }),
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

function play(steps: readonly Step[]): LogSource {
  const source = new LogSource();
  let at = 100;
  for (const one of steps) {
    if ('note' in one) source.note((at += one.note));
    else source.append(one.stream, one.text);
  }
  return source;
}

describe('the merged log', () => {
  const walk = (streams: readonly LogStream[], wanted: Wanted) => ({
    streams,
    wanted,
    signal: new AbortController().signal,
  });
  const choices = fc.constantFrom<readonly LogStream[]>(LOG_STREAMS, ['out', 'err'], ['err'], ['events']);

  it('goes on from any line, forward and backward, as the whole does', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.integer({ min: 4, max: 64 }),
        choices,
        fc.constantFrom('', 'a', 'c'),
        async (steps, size, streams, part) => {
          const source = play(steps);
          const log = new MergedLog(source.read, size);
          await log.refresh();
          const wanted = ({ text }: Pick<LogLine, 'text'>) => text.includes(part);
          const whole = await gather(log.forward(log.start, walk(streams, wanted)));
          const id = ({ stream, start, end }: Pick<LogLine, 'stream' | 'start' | 'end'>) => `${stream} ${start} ${end}`;
          const places = source.places(streams, size).map(id);
          // Its lines are those of the plain reading, in that order; only events that are figures are missing.
          const shown = new Set(whole.map(id));
          expect(whole.map(id)).toEqual(places.filter((place) => shown.has(place)));
          if (part === '' && !streams.includes('events')) expect(shown.size).toBe(places.length);
          const back = await gather(log.backward(log.end, walk(streams, wanted)));
          expect(back.map(id)).toEqual(whole.map(id).reverse());
          for (const [i, line] of whole.entries()) {
            const cut = await log.cutBefore(line);
            const ahead = await gather(log.forward(cut, walk(streams, wanted)));
            expect(ahead.map(id)).toEqual(whole.slice(i).map(id));
            const behind = await gather(log.backward(cut, walk(streams, wanted)));
            expect(behind.map(id)).toEqual(whole.slice(0, i).reverse().map(id));
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});
