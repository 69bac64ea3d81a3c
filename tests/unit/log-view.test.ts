/** One operator's view of a log: where the cursor is, what is held, what is counted, and how it is laid out in rows. */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LOG_STREAMS, type LogLine, type LogStream } from '../../src/console/log/line.ts';
import type { LogFrame } from '../../src/console/log/log-frame.ts';
import { LogView } from '../../src/console/log/log-view.ts';
import { MergedLog } from '../../src/console/log/merged-log.ts';
import { DEFAULT_OPTIONS, type LogOptions, shownBy, soughtBy, streamsOf } from '../../src/console/log/query.ts';
import { logRows } from '../../src/console/log/rows.ts';
import { lineText } from '../../src/format/lines.ts';
import { cellWidth } from '../../src/format/width.ts';
import { gather, LogSource } from '../helpers/log-source.ts';
import { until } from '../helpers/until.ts';

const BLOCK = 48;
const MARGIN = 6;

function open(source: LogSource, options: Partial<LogOptions> = {}, blockBytes = BLOCK, now: () => number = () => 0) {
  const frames: LogFrame[] = [];
  const view = new LogView(source.read, { ...DEFAULT_OPTIONS, ...options }, (frame) => frames.push(frame), {
    now,
    margin: MARGIN,
    blockBytes,
    askRestMs: 0,
  });
  return { view, frames };
}

/** All lines that options show, by reading everything. */
async function whole(source: LogSource, options: LogOptions, blockBytes = BLOCK): Promise<LogLine[]> {
  const log = new MergedLog(source.read, blockBytes);
  await log.refresh();
  const { signal } = new AbortController();
  const walk = { streams: streamsOf(options.streams), wanted: shownBy(options), signal };
  return gather(log.forward(log.start, walk));
}

const id = ({ stream, start }: LogLine) => `${stream} ${start}`;
const ids = (lines: readonly LogLine[]) => lines.map(id);

/** A log of two streams and events, noted now and then. */
function talk(count: number, seed = 0): LogSource {
  const source = new LogSource();
  for (let i = 0; i < count; i++) {
    const level = ['INFO', 'WARN', 'DEBUG', ''][(i * 7 + seed) % 4];
    if (i % 5 === 3) source.append('err', `${level} err ${i}\n`);
    else if (i % 11 === 5)
      source.append('events', `${JSON.stringify({ t: 50 + i, type: 'log', level: 'error', message: `event ${i}` })}\n`);
    else source.append('out', `${level} line ${i}\n`);
    if (i % 4 === 1) source.note(100 + i);
  }
  source.note(100 + count);
  return source;
}

/** What an operator may do. */
const deed = fc.oneof(
  fc.record({ do: fc.constant('move' as const), by: fc.integer({ min: -20, max: 20 }) }),
  fc.record({ do: fc.constantFrom('first' as const, 'follow' as const, 'settle' as const) }),
  fc.record({ do: fc.constantFrom('next' as const, 'previous' as const) }),
  fc.record({
    do: fc.constant('look' as const),
    options: fc.record(
      {
        filter: fc.constantFrom('', 'line', '!3', '1.*'),
        level: fc.constantFrom<LogOptions['level']>('debug', 'info', 'warn'),
        streams: fc.constantFrom<LogOptions['streams']>('merged', 'out+err', 'out', 'events'),
        search: fc.constantFrom('', '2', 'WARN'),
        wrap: fc.boolean(),
      },
      { requiredKeys: [] },
    ),
  }),
  fc.record({
    do: fc.constant('grow' as const),
    stream: fc.constantFrom<LogStream>('out', 'err'),
    text: fc.constantFrom('INFO new 1\n', 'half', ' 12\n', 'WARN line 3\nINFO line 2\n'),
    note: fc.boolean(),
  }),
);

describe('the view', () => {
  it('holds a slice of the whole around the cursor, and counts right, whatever was done', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 60 }), fc.array(deed, { maxLength: 14 }), async (count, deeds) => {
        const source = talk(count);
        const { view, frames } = open(source);
        let options = DEFAULT_OPTIONS;
        let at = 1000;
        for (const one of deeds) {
          if (one.do === 'move') view.move(one.by);
          else if (one.do === 'first') view.first();
          else if (one.do === 'follow') view.follow();
          else if (one.do === 'settle') await view.settled();
          else if (one.do === 'next' || one.do === 'previous') view.seek(one.do === 'next', () => {});
          else if (one.do === 'look') view.setOptions((options = { ...options, ...one.options }));
          else if (one.do === 'grow') {
            source.append(one.stream, one.text);
            if (one.note) source.note((at += 10));
            view.refresh();
          }
        }
        view.refresh();
        await view.settled();
        await until(() => {
          const { totals, position, cursor } = view.frame;
          return totals.counted === totals.bytes && (position !== null || cursor === -1);
        }, 'the counts');
        await view.settled();
        const { frame } = view;
        const all = await whole(source, options);
        expect(frame.problem).toBeNull();
        expect(frame.busy).toBeNull();
        if (all.length === 0) expect(frame).toMatchObject({ lines: [], cursor: -1, atStart: true, atEnd: true });
        else {
          const cursor = frame.lines[frame.cursor];
          const place = ids(all).indexOf(id(cursor));
          const first = place - frame.cursor;
          expect(frame.lines).toEqual(all.slice(first, first + frame.lines.length));
          if (frame.following) expect(place).toBe(all.length - 1);
          // Enough on both sides, or the end.
          expect(frame.atStart).toBe(frame.atStart && first === 0);
          expect(frame.atStart || frame.cursor >= MARGIN).toBe(true);
          expect(frame.atEnd || frame.lines.length - 1 - frame.cursor >= MARGIN).toBe(true);
          if (frame.atEnd) expect(first + frame.lines.length).toBe(all.length);
          expect(frame.lines.length).toBeLessThanOrEqual(4 * MARGIN + 1);
          const sought = soughtBy(options);
          const matching = (lines: readonly LogLine[]) => (sought ? lines.filter(sought.matches).length : 0);
          expect(frame.totals.shown).toBe(all.length);
          expect(frame.totals.matches).toBe(matching(all));
          expect(frame.position).toEqual({ line: place + 1, match: matching(all.slice(0, place + 1)) });
        }
        await until(() => isDeepStrictEqual(frames.at(-1), view.frame), 'the last frame');
        view.close();
      }),
      { numRuns: 200 },
    );
  });

  it('moves line by line through all of it', async () => {
    const source = talk(200);
    const { view } = open(source);
    const all = await whole(source, DEFAULT_OPTIONS);
    view.first();
    const seen: string[] = [];
    for (;;) {
      await view.settled();
      const { lines, cursor, atEnd } = view.frame;
      seen.push(id(lines[cursor]));
      if (atEnd && cursor === lines.length - 1) break;
      view.move(1);
    }
    expect(seen).toEqual(ids(all));
    view.move(-150);
    await view.settled();
    expect(id(view.frame.lines[view.frame.cursor])).toBe(id(all[all.length - 151]));
    view.close();
  });

  it('tells the place of the line it is on, whenever it moved while that was looked up', async () => {
    const source = talk(30);
    const all = await whole(source, DEFAULT_OPTIONS, 4096);
    // Reads take turns of the microtask queue only: the move comes after each number of turns once.
    for (let turns = 0; turns < 400; turns++) {
      const { view } = open(source, {}, 4096);
      await view.settled();
      view.refresh();
      view.setOptions({ ...DEFAULT_OPTIONS, search: '2' });
      view.seek(false, () => {});
      for (let i = 0; i < turns; i++) await null;
      view.move(-3);
      await view.settled();
      const { lines, cursor, position } = view.frame;
      if (position) expect(position.line).toBe(ids(all).indexOf(id(lines[cursor])) + 1);
      view.close();
    }
  });

  it('adds up moves that come faster than lines are read', async () => {
    const source = talk(300);
    const { view } = open(source);
    const all = await whole(source, DEFAULT_OPTIONS);
    view.first();
    await view.settled();
    for (let i = 0; i < 123; i++) view.move(1);
    await view.settled();
    expect(id(view.frame.lines[view.frame.cursor])).toBe(id(all[123]));
    view.close();
  });
});

describe('following', () => {
  it('stops when one scrolls up, and goes on at the end', async () => {
    const source = talk(30);
    const { view } = open(source);
    await view.settled();
    expect(view.frame.following).toBe(true);
    view.move(-1);
    const held = id(view.frame.lines[view.frame.cursor]);
    source.append('out', 'INFO more\n');
    source.note(5000);
    view.refresh();
    await view.settled();
    expect(view.frame.following).toBe(false);
    expect(id(view.frame.lines[view.frame.cursor])).toBe(held);
    view.follow();
    await view.settled();
    expect(view.frame.lines[view.frame.cursor].text).toBe('INFO more');
    view.close();
  });

  it('toggles lose neither the line nor the filter', async () => {
    const { view } = open(talk(80), { filter: 'line' });
    view.first();
    await view.settled();
    view.move(20);
    await view.settled();
    const held = id(view.frame.lines[view.frame.cursor]);
    for (const change of [
      { wrap: true },
      { time: 'delta' },
      { left: 8 },
      { search: '4' },
      { level: 'debug' },
    ] as const) {
      view.setOptions({ ...view.frame.options, ...change });
      await view.settled();
      expect(id(view.frame.lines[view.frame.cursor])).toBe(held);
      expect(view.frame.options).toMatchObject({ filter: 'line', ...change });
      expect(view.frame.following).toBe(false);
    }
    view.close();
  });
});

describe('search', () => {
  it('goes through all matches in order, around the end and back', async () => {
    const source = talk(120);
    const { view } = open(source, { search: '1\\d$' });
    const all = await whole(source, DEFAULT_OPTIONS);
    const matches = all.filter((line) => /1\d$/u.test(line.text));
    view.first();
    await view.settled();
    const seek = async (forward: boolean) => {
      let how = '';
      view.seek(forward, (told) => (how = told));
      await view.settled();
      return { how, line: id(view.frame.lines[view.frame.cursor]) };
    };
    for (const match of matches) expect(await seek(true)).toEqual({ how: 'found', line: id(match) });
    expect(await seek(true)).toEqual({ how: 'around', line: id(matches[0]) });
    expect(await seek(false)).toEqual({ how: 'around', line: id(matches.at(-1)!) });
    expect(await seek(false)).toEqual({ how: 'found', line: id(matches.at(-2)!) });
    view.setOptions({ ...view.frame.options, search: 'nowhere' });
    expect((await seek(true)).how).toBe('none');
    view.close();
  });
});

describe('the size', () => {
  it('is that of the lines: figures among the events are none', async () => {
    const source = new LogSource();
    const said = ['one\n', '{"t":1,"type":"log","level":"info","message":"two"}\n'];
    source.append('out', said[0]);
    for (let i = 0; i < 90; i++) {
      source.append('events', `{"t":${i},"type":"metric","name":"speed","value":${i}}\n`);
      if (i === 40) source.append('events', said[1]);
    }
    for (const blockBytes of [BLOCK * 4, 65_536]) {
      const { view } = open(source, {}, blockBytes);
      await view.settled();
      await until(() => view.frame.totals.counted === view.frame.totals.bytes, 'all lines are counted');
      const { lines, bytes, figures } = view.frame.totals;
      view.close();
      expect([lines, bytes - figures]).toEqual([2, said.join('').length]);
    }
  });
});

describe('levels', () => {
  const source = () => {
    const log = new LogSource();
    log.append('out', 'warn: prices are missing\nINFO all is well, no WARN before\nnames nothing\nERROR: ended\n');
    log.append('events', '{"t":1,"type":"log","level":"warn","message":"two articles are empty"}\n');
    return log;
  };
  const shown = async (options: Partial<LogOptions>) => {
    const { view } = open(source(), options, 65_536);
    view.first();
    await view.settled();
    await until(() => view.frame.totals.counted === view.frame.totals.bytes, 'all lines are counted');
    const { lines, totals } = view.frame;
    view.close();
    return { texts: lines.map(({ text }) => text), ...totals };
  };

  it.each([
    ['WARN', ['warn: prices are missing', 'INFO all is well, no WARN before', 'two articles are empty']],
    ['!warn', ['names nothing', 'ERROR: ended']],
    [
      'warn|error',
      ['warn: prices are missing', 'INFO all is well, no WARN before', 'ERROR: ended', 'two articles are empty'],
    ],
    // A part of a name is looked for in the text alone, and so is what matches everything.
    ['RRO', ['ERROR: ended']],
    ['W', ['INFO all is well, no WARN before']],
  ])('%s finds lines by the level that stands before them', async (filter, texts) => {
    expect((await shown({ filter })).texts).toEqual(texts);
    if (filter.startsWith('!')) return;
    const { matches, texts: all } = await shown({ search: filter });
    expect([matches, all.length]).toEqual([texts.length, 5]);
  });

  it('stand out when they are what is sought', async () => {
    const { view } = open(source(), { filter: 'WARN' }, 65_536);
    await view.settled();
    view.close();
    const { rows } = logRows(view.frame, { width: 110, height: 3, startedAt: null });
    const standing = rows.map((row) =>
      row.flatMap((piece) => (typeof piece !== 'string' && piece.inverse ? piece.text : [])),
    );
    expect(standing).toEqual([['WARN'], ['WARN'], ['WARN']]);
  });
});

describe('how fast it grows', () => {
  it('is told by the lines of the last seconds; figures among its events are none', async () => {
    const source = new LogSource();
    let now = 0;
    const { view } = open(source, {}, 65_536, () => now);
    const rates: LogFrame['inflow'][] = [];
    // Three looks a second; each finds a line, and thirty figures, which are longer than it is.
    for (let look = 0; look < 40; look++) {
      now = look * 333;
      if (look < 30) source.append('out', `line ${look}\n`);
      for (let k = 0; k < 30; k++)
        source.append('events', `${JSON.stringify({ t: now, type: 'metric', name: `figure ${k}`, value: k })}\n`);
      source.note(now);
      view.refresh();
      await view.settled();
      await until(() => view.frame.totals.counted === view.frame.totals.bytes, 'all lines are counted');
      rates.push(view.frame.inflow);
    }
    for (const rate of rates.slice(5, 28)) {
      expect(rate?.unit).toBe('lines');
      expect(rate?.perSecond).toBeCloseTo(3, 1);
    }
    // Ten looks later the last lines are less than five seconds old, and fewer.
    expect(rates.at(-1)!.perSecond).toBeLessThan(2);
    now += 6000;
    view.refresh();
    await view.settled();
    view.refresh();
    await view.settled();
    now += 6000;
    view.refresh();
    await view.settled();
    view.refresh();
    await view.settled();
    expect(view.frame.inflow).toBeNull();
    view.close();
  });
});

describe('marks and selections', () => {
  it('stay on their lines, and go around', async () => {
    const { view } = open(talk(60));
    await view.settled();
    view.toggleMark();
    view.move(-40);
    await view.settled();
    view.toggleMark();
    const marked = ids(view.frame.marks);
    expect(marked).toHaveLength(2);
    view.toMark();
    await view.settled();
    expect(id(view.frame.lines[view.frame.cursor])).toBe(marked[1]);
    view.toMark();
    await view.settled();
    expect(id(view.frame.lines[view.frame.cursor])).toBe(marked[0]);
    view.toggleMark();
    expect(ids(view.frame.marks)).toEqual([marked[1]]);
    view.close();
  });

  it('give the text of all their lines, beyond what is held', async () => {
    const source = talk(90);
    const { view } = open(source, { filter: 'line' });
    const all = await whole(source, view.frame.options);
    await view.settled();
    expect(await view.selection()).toBe(all.at(-1)!.text);
    view.toggleSelection();
    view.move(-40);
    await view.settled();
    expect(await view.selection()).toBe(
      all
        .slice(-41)
        .map((line) => line.text)
        .join('\n'),
    );
    const saved = await gather(view.lines(new AbortController().signal));
    expect(saved).toEqual(all);
    view.close();
  });
});

describe('trouble', () => {
  it('of reading is told, and passes', async () => {
    const source = talk(20);
    let away = true;
    const read: typeof source.read = async (...args) => {
      if (away) throw new Error('the supervisor is away');
      return source.read(...args);
    };
    const view = new LogView(read, DEFAULT_OPTIONS, () => {}, { now: () => 0 });
    await view.settled();
    expect(view.frame).toMatchObject({ problem: 'the supervisor is away', lines: [] });
    away = false;
    view.refresh();
    await view.settled();
    expect(view.frame.problem).toBeNull();
    expect(view.frame.lines.length).toBeGreaterThan(10);
    view.close();
  });

  it('of a file that was cut off is an end of what was known', async () => {
    const source = talk(40);
    const { view } = open(source, { streams: 'out' });
    await view.settled();
    source.files.out = Buffer.from('INFO anew\n');
    view.refresh();
    await view.settled();
    expect(view.frame.lines.map(({ text }) => text)).toEqual(['INFO anew']);
    view.close();
  });
});

describe('closing', () => {
  it('ends all work at any moment, and nothing is told any more', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(deed, { maxLength: 4 }), fc.nat(12), async (deeds, turns) => {
        const { view, frames } = open(talk(60));
        for (const one of deeds) {
          if (one.do === 'move') view.move(one.by);
          else if (one.do === 'next') view.seek(true, () => {});
          else if (one.do === 'look') view.setOptions({ ...view.frame.options, ...one.options });
          else view.refresh();
        }
        for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
        view.close();
        const told = frames.length;
        // A loop that never rests would let neither of these come.
        await view.settled();
        await new Promise((resolve) => setImmediate(resolve));
        expect(frames.length).toBe(told);
      }),
    );
  });
});

describe('a log larger than memory', () => {
  /** 5 GB of lines of 100 bytes, made where they are asked for. */
  const SIZE = 5_000_000_000;
  const WIDTH = 100;
  const line = (i: number) => `${String(i).padStart(12)} ${i % 1_000_003 === 7 ? 'needle' : 'straw'}`.padEnd(WIDTH - 1);
  function giant() {
    let asked = 0;
    const read: LogSource['read'] = async (file, offset, length) => {
      if (file !== 'out') return { size: 0, bytes: Buffer.alloc(0), problem: null };
      asked += length;
      const first = Math.floor(offset / WIDTH);
      const count = Math.ceil((offset + length) / WIDTH) - first;
      const bytes = Buffer.from(Array.from({ length: count }, (_, i) => `${line(first + i)}\n`).join(''));
      return {
        size: SIZE,
        bytes: bytes.subarray(offset - first * WIDTH, offset - first * WIDTH + length),
        problem: null,
      };
    };
    return { read, asked: () => asked };
  }

  it('is opened at its end, and left from there to its start, by reading a few blocks', async () => {
    const { read, asked } = giant();
    const view = new LogView(read, DEFAULT_OPTIONS, () => {}, { now: () => 0 });
    await view.settled();
    const last = SIZE / WIDTH - 1;
    expect(view.frame.lines[view.frame.cursor].text.trim()).toBe(line(last).trim());
    const toOpen = asked();
    view.first();
    await view.settled();
    expect(view.frame.lines[view.frame.cursor].text.trim()).toBe(line(0).trim());
    view.move(10_000);
    await view.settled();
    expect(view.frame.lines[view.frame.cursor].text.trim()).toBe(line(10_000).trim());
    view.close();
    // Background counting has read something too, but no more than a sliver.
    expect(toOpen).toBeLessThan(8 * 256 * 1024);
    expect(asked()).toBeLessThan(SIZE / 100);
  });
});

describe('rows', () => {
  const texts = fc
    .array(fc.constantFrom('a', '漢', ' ', 'é', 'word'), { maxLength: 30 })
    .map((parts) => parts.join(''));
  const rowText = (lines: readonly string[], width: number, wrap: boolean) =>
    lines.flatMap((text) => {
      if (!wrap) return [text];
      const rows: string[] = [];
      let row = '';
      for (const character of text) {
        if (row !== '' && cellWidth(row + character) > width) {
          rows.push(row);
          row = '';
        }
        row += character;
      }
      return [...rows, row];
    });

  it('are a slice of all rows, for any position, filter and width', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(texts, { minLength: 1, maxLength: 25 }),
        fc.integer({ min: 16, max: 40 }),
        fc.integer({ min: 1, max: 6 }),
        fc.boolean(),
        fc.constantFrom('', 'a', '!w'),
        fc.nat(30),
        async (lines, width, height, wrap, filter, up) => {
          const source = new LogSource();
          for (const text of lines) source.append('out', `${text}\n`);
          const { view } = open(source, { streams: 'out', wrap, filter });
          await view.settled();
          if (up > 0) view.move(-up);
          await view.settled();
          const { frame } = view;
          view.close();
          const { rows, above, below } = logRows(frame, { width, height, startedAt: null });
          const shown = shownBy(frame.options);
          const all = (await whole(source, frame.options)).filter(shown).map(({ text }) => text);
          if (all.length === 0) {
            expect(rows).toEqual([]);
            return;
          }
          // Cursor, mark and level stand before the text.
          const LEAD = 4;
          const reference = rowText(all, width - LEAD, wrap);
          const given = rows.map((row) => lineText(row).slice(LEAD));
          expect(given.length).toBe(Math.min(height, reference.length));
          const starts = reference.flatMap((_, i) => (given.every((text, k) => reference[i + k] === text) ? [i] : []));
          expect(starts.length).toBeGreaterThan(0);
          expect(rows.some((row) => lineText(row).startsWith('▸'))).toBe(true);
          if (!above) expect(starts).toContain(0);
          if (!below) expect(starts).toContain(reference.length - given.length);
          if (wrap) for (const row of rows) expect(cellWidth(lineText(row))).toBeLessThanOrEqual(width);
        },
      ),
      { numRuns: 300 },
    );
  });

  const rowsOf = async (options: Partial<LogOptions>, width = 110) => {
    const source = new LogSource();
    source.append('out', 'INFO one\n');
    source.note(61_000);
    source.append('err', 'ERROR two\n');
    source.append('events', '{"t":63500,"type":"stage","name":"load","index":1,"of":2}\n');
    source.note(63_250);
    const { view } = open(source, options, 1024);
    await view.settled();
    view.close();
    return logRows(view.frame, { width, height: 9, startedAt: 1000 }).rows.map((row) => lineText(row).trimEnd());
  };

  it('say stream, level and time beside colours', async () => {
    expect(await rowsOf({})).toEqual(['  out INFO  INFO one', '  err ERROR ERROR two', '▸ evt INFO  ── load (1/2) ──']);
    expect(await rowsOf({ streams: 'err' }, 50)).toEqual(['▸ E ERROR two']);
    expect(await rowsOf({ time: 'absolute', streams: 'out+err' }, 50)).toEqual([
      '   00:01:01 o I INFO one',
      '▸  00:01:03 e E ERROR two',
    ]);
    expect(await rowsOf({ time: 'since start', streams: 'events' }, 50)).toEqual(['▸     +1:02 I ── load (1/2) ──']);
    expect(await rowsOf({ time: 'delta' }, 50)).toEqual([
      '          ? o I INFO one',
      '     +2.3 s e E ERROR two',
      '▸    +0.3 s v I ── load (1/2) ──',
    ]);
  });

  it('move sideways, and say so', async () => {
    expect(await rowsOf({ streams: 'out', left: 3 }, 50)).toEqual(['▸ I … one']);
  });

  it('show what is sought, and nothing of it twice', async () => {
    const source = new LogSource();
    source.append('out', 'fail no fail\n');
    const { view } = open(source, { search: 'fail', streams: LOG_STREAMS[0] });
    await view.settled();
    view.close();
    const [row] = logRows(view.frame, { width: 60, height: 3, startedAt: null }).rows;
    const inverse = row.filter((piece) => typeof piece !== 'string' && piece.inverse);
    expect(inverse.map((piece) => (piece as { text: string }).text)).toEqual(['fail', 'fail']);
    expect(lineText(row)).toContain('fail no fail');
  });
});
