import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toAscii } from '../../src/format/ascii.ts';
import { commandLine, fixLine, isComplete, shellWord, splitCommand } from '../../src/format/command.ts';
import {
  fitLine,
  type Line,
  lineText,
  lineWidth,
  PLAIN_STYLE,
  packLine,
  renderLine,
  type Span,
  span,
  spread,
} from '../../src/format/lines.ts';
import { layTable } from '../../src/format/table.ts';
import {
  cellWidth,
  cleanText,
  cutBeforeLastSentence,
  cutStartToWidth,
  cutToWidth,
  fitToWidth,
  wrapText,
} from '../../src/format/width.ts';

/** Text that terminals measure in different ways: plain, drawing signs, wide, combining, emoji. */
const anyText = fc.string({
  unit: fc.oneof(
    fc.constantFrom(...'abc XYZ019,.-–…·▸█▁─│✓✗λ→≥'),
    fc.constantFrom('日', '本', 'e\u0301', '한', '🙂', 'ａ'),
  ),
  maxLength: 40,
});

describe('width', () => {
  test.each<[string, number]>([
    ['', 0],
    ['plain', 5],
    ['▁▂▃ ✓ ✗ ☠ → ≥ … λ', 17],
    ['日本語', 6],
    ['한국어', 6],
    ['ａｂ', 4],
    ['e\u0301te\u0301', 3],
    ['🙂', 2],
    ['🇩🇪', 2],
    ['👍🏽', 2],
    ['⚠', 1],
    ['½ é ß ñ', 7],
    ['ไทย', 3],
  ])('of %s is %i', (text, cells) => expect(cellWidth(text)).toBe(cells));

  test('fit is exact for any text and width', () => {
    fc.assert(
      fc.property(anyText, fc.nat(50), fc.constantFrom('left', 'right'), (text, width, align) => {
        expect(cellWidth(fitToWidth(text, width, align as 'left'))).toBe(width);
      }),
    );
  });

  test('what is cut carries the mark, what fits stays as it is', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 50 }), (text, width) => {
        for (const cut of [cutToWidth(text, width), cutStartToWidth(text, width), cutBeforeLastSentence(text, width)]) {
          expect(cellWidth(cut)).toBeLessThanOrEqual(width);
          expect(cut === text || cut.includes('…')).toBe(true);
        }
      }),
    );
    expect(cutToWidth('US_CORE_LONG_EQ_H21', 8)).toBe('US_CORE…');
    expect(cutStartToWidth('/a/b/prometheus', 8)).toBe('…metheus');
    expect(cutToWidth('日本語', 4)).toBe('日…');
    const failure = 'historical database: the embedded server does not answer. Start it with: prometheus db up';
    expect(cutBeforeLastSentence(failure, 60)).toBe('historical database: the em… Start it with: prometheus db up');
    expect(cutBeforeLastSentence(failure, 40)).toBe(cutToWidth(failure, 40));
  });

  test('wrapping keeps every word and never exceeds the width', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 2, max: 30 }), (text, width) => {
        const lines = wrapText(text, width);
        for (const line of lines) expect(cellWidth(line)).toBeLessThanOrEqual(width);
        expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
      }),
    );
    // The end is cut away before it is broken, and a long word is broken in one go.
    const long = 'ä日'.repeat(50_000);
    expect(wrapText(long, 6)).toHaveLength(25_000);
    expect(wrapText(`a ${long} b`, 6, 2)).toEqual(['a', 'ä日ä…']);
    expect(wrapText('日本', 1)).toEqual(['日', '本']);
    expect(wrapText('no run of this sleeve over the window', 12)).toEqual([
      'no run of',
      'this sleeve',
      'over the',
      'window',
    ]);
    // An age is one word.
    expect(wrapText('3 of 4 rows (15 m ago), read just now', 14)).toEqual([
      '3 of 4 rows',
      '(15 m ago),',
      'read just now',
    ]);
    expect(wrapText('3 of 4 rows (15 m ago)', 17)).toEqual(['3 of 4 rows', '(15 m ago)']);
    expect(wrapText('3 of 4 rows, just now', 17)).toEqual(['3 of 4 rows,', 'just now']);
    expect(wrapText('no run of this sleeve', 9, 2)).toEqual(['no run of', 'this sle…']);
  });

  test('text from outside cannot drive the terminal', () => {
    const evil = '\x1b]52;c;ZXZpbA==\x07\x1b]0;title\x1b\\\x1b[2J\x1b[?1049lred \x1b[31mtext\x9b2Jx\u202eabc\x07\tend';
    expect(cleanText(evil)).toBe('red textxabc end');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(cleanText(text)).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
      }),
    );
  });
});

describe('rows', () => {
  const anyLine: fc.Arbitrary<Line> = fc.array(
    fc.oneof(
      anyText,
      anyText.map((text) => span(text, 'bad')),
    ),
    { maxLength: 5 },
  );

  test('are exactly as wide as asked, cut with a mark or filled', () => {
    fc.assert(
      fc.property(anyLine, fc.nat(60), (line, width) => {
        const text = renderLine(line, width, PLAIN_STYLE);
        expect(cellWidth(text)).toBe(width);
        if (lineWidth(line) > width && width > 0) expect(text).toContain('…');
      }),
    );
  });

  test('colours open and close around their piece and never change the width', () => {
    const style = { ascii: false, wrap: ({ tone }: Span) => (tone ? (['<', '>'] as const) : (['(', ')'] as const)) };
    expect(renderLine([span('ab', 'bad'), 'cd'], 3, style)).toBe('<ab>(…)');
    // What looks the same opens and closes once.
    expect(renderLine([span('a', 'bad'), span('b', 'bad'), 'c', 'd'], 4, style)).toBe('<ab>(cd)');
    expect(lineText(fitLine(['ab', 'cd'], 6))).toBe('abcd  ');
  });

  test('ASCII mode sends ASCII only, in the same width', () => {
    const style = { ascii: true, wrap: () => ['', ''] as const };
    fc.assert(
      fc.property(anyLine, fc.nat(60), (line, width) => {
        const text = renderLine(line, width, style);
        expect(text).toMatch(/^[\x20-\x7e]*$/);
        expect(text).toHaveLength(width);
      }),
    );
    expect(toAscii('P1 ✓ ≥ 99 % · λ é → …')).toBe('P1 + >= 99 % . lambda e > >');
  });

  test('two ends of a row: the right one stays, the left one gives way', () => {
    expect(lineText(spread(['left side'], ['right'], 20))).toBe('left side      right');
    expect(lineWidth(spread(['left side'], ['right'], 12))).toBe(12);
    expect(lineText(spread(['left side'], ['right'], 12))).toMatch(/… right$/);
  });

  test('packing drops the highest rank first, keeps the order and marks that something left', () => {
    const pieces = [
      { line: ['aaaa'], rank: 2 },
      { line: ['bbbb'], rank: 3 },
      { line: ['cccc'], rank: 1 },
    ];
    expect(lineText(packLine(pieces, 16))).toBe('aaaa  bbbb  cccc');
    expect(lineText(packLine(pieces, 15))).toBe('aaaa  cccc …');
    // The mark needs room as well.
    expect(lineText(packLine(pieces, 11))).toBe('cccc …');
    expect(lineText(packLine(pieces, 6))).toBe('cccc …');
    expect(lineText(fitLine(packLine(pieces, 5), 5))).toBe('cccc…');
  });

  test('nothing is packed without a mark, nor with one for nothing', () => {
    const packed = fc.record({ text: fc.string({ unit: fc.constantFrom(...'abc'), minLength: 1 }), rank: fc.nat(9) });
    fc.assert(
      fc.property(
        fc.array(packed, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 60 }),
        (pieces, width) => {
          const given = pieces.map(({ text, rank }) => ({ line: [text], rank }));
          const line = lineText(packLine(given, width));
          const whole = pieces.map(({ text }) => text).join('  ');
          expect(line.endsWith('…')).toBe(pieces.length > 1 && whole.length > width);
          if (!line.endsWith('…')) expect(line).toBe(whole);
        },
      ),
    );
  });
});

describe('tables', () => {
  const rows = [
    { name: 'prices_daily', count: '301,842', note: 'complete' },
    { name: 'news', count: '7', note: 'a gap in 2019 that is long to tell' },
  ];
  const columns = [
    { title: 'table', cell: (row: (typeof rows)[number]) => [row.name] },
    { title: 'rows', align: 'right' as const, drop: 1, cell: (row: (typeof rows)[number]) => [row.count] },
    { title: 'note', grow: true, drop: 2, cell: (row: (typeof rows)[number]) => [row.note] },
  ];

  test('columns align and the growing one takes the rest', () => {
    const table = layTable(columns, rows, 40);
    expect([table.header, ...table.rows].map(lineText)).toEqual([
      'table            rows  note             ',
      'prices_daily  301,842  complete         ',
      'news                7  a gap in 2019 th…',
    ]);
  });

  test('the least important columns leave when it gets narrow', () => {
    const narrow = layTable(columns, rows, 24);
    expect(narrow.left).toEqual(['note']);
    expect([narrow.header, ...narrow.rows].map(lineText)).toEqual([
      'table            rows  …',
      'prices_daily  301,842',
      'news                7',
    ]);
    expect(lineText(layTable(columns, rows, 15).header)).toBe('table         …');
  });

  test('columns that left are marked in the titles at the right end, where the last title makes room for it', () => {
    const close = layTable(columns, rows, 22);
    expect(lineText(close.header)).toBe('table            rows…');
    expect(lineText(layTable(columns, rows, 21).header)).toBe('table            row…');
    const growing = [columns[0], { ...columns[2], drop: 0 }, { ...columns[1], drop: 0 }, { ...columns[1], drop: 1 }];
    const shorter = layTable(growing, rows, 36);
    expect([shorter.header, ...shorter.rows].map((line) => lineText(fitLine(line, 36)))).toEqual([
      'table         note            rows …',
      'prices_daily  complete     301,842  ',
      'news          a gap in 2…        7  ',
    ]);
    // A report that is read by its columns bears none.
    expect(lineText(layTable(columns, rows, 24, { ascii: false, marked: false }).header)).toBe('table            rows');
  });
});

describe('commands', () => {
  test('are written as a shell reads them', () => {
    expect(shellWord('US_EQ:a:b')).toBe('US_EQ:a:b');
    expect(shellWord("it's here")).toBe(`'it'\\''s here'`);
    expect(shellWord('')).toBe(`''`);
    expect(commandLine(['data', 'import', '--prices', 'my file.csv'])).toBe(
      "prometheus data import --prices 'my file.csv'",
    );
  });

  test('fall into the program and its arguments', () => {
    expect(splitCommand(['backtest', 'campaign', '--start', '2014-01-02'])).toEqual({
      program: 'backtest campaign',
      args: ['--start', '2014-01-02'],
    });
    expect(splitCommand(['db', 'migrate'])).toEqual({ program: 'db migrate', args: [] });
  });

  test('fixes name the product unless they are something else; blanks are seen', () => {
    expect(fixLine('why P0')).toBe('prometheus why P0');
    expect(fixLine('bin/test')).toBe('bin/test');
    expect(isComplete(['data', 'import', '--prices', 'PATH'])).toBe(false);
    expect(isComplete(['backtest', 'campaign', '--market-id', 'US_EQ'])).toBe(true);
  });
});
