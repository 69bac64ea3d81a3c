/** The CSV splitter: any chunking gives the same records, and a broken line costs itself alone. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isMissingToken, numberAt } from '../../engines/data/csv/numbers.ts';
import { CsvReader } from '../../engines/data/csv/reader.ts';
import { csvLine } from '../../src/platform/csv.ts';

interface Parsed {
  readonly records: { line: number; fields: string[] }[];
  readonly bad: { line: number; problem: string }[];
}

/** Parses text pushed in chunks of the sizes given (cyclic). */
function parse(text: string | Buffer, chunkSizes: readonly number[] = [1 << 20]): Parsed {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  const parsed: Parsed = { records: [], bad: [] };
  const reader = new CsvReader({
    record: (r) =>
      void parsed.records.push({ line: r.line, fields: Array.from({ length: r.count }, (_, i) => r.text(i)) }),
    bad: (line, problem) => void parsed.bad.push({ line, problem }),
  });
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = chunkSizes[i % chunkSizes.length];
    reader.push(bytes.subarray(at, at + size));
    at += size;
  }
  reader.end();
  return parsed;
}

const rows = (text: string | Buffer) => parse(text).records.map((record) => record.fields);

const field = fc.string({
  unit: fc.constantFrom('a', 'é', '😀', ' ', ',', '"', '\n', '\r', "'", '1', '.'),
  maxLength: 12,
});
/** A single empty field is an empty line, which is no record. */
const table = fc.array(
  fc.array(field, { minLength: 1, maxLength: 6 }).filter((row) => row.length > 1 || row[0] !== ''),
  { maxLength: 12 },
);

describe('records', () => {
  it('read back as they were written, however the file is cut into chunks', () => {
    fc.assert(
      fc.property(table, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }), (written, sizes) => {
        const text = written.map(csvLine).join('');
        const { records, bad } = parse(text, sizes);
        expect(bad).toEqual([]);
        expect(records.map((record) => record.fields)).toEqual(written);
        expect(records).toEqual(parse(text).records);
      }),
    );
  });

  it('carry the physical line on which they start', () => {
    const text = 'a,b\n\n"x\ny",1\r\nlast,2';
    expect(parse(text).records).toEqual([
      { line: 1, fields: ['a', 'b'] },
      { line: 3, fields: ['x\ny', '1'] },
      { line: 5, fields: ['last', '2'] },
    ]);
  });

  it('end with LF, CR LF or CR, and may begin with a byte-order mark', () => {
    const expected = [
      ['a', 'b'],
      ['1', '2'],
    ];
    for (const text of ['a,b\n1,2\n', 'a,b\r\n1,2\r\n', 'a,b\r1,2\r', '\ufeffa,b\n1,2', 'a,b\n1,2\n\n\n']) {
      expect(rows(text), JSON.stringify(text)).toEqual(expected);
      expect(parse(text, [1]).records.map((record) => record.fields)).toEqual(expected);
    }
  });

  it('keep empty fields', () => {
    expect(rows(',,\n"",x,\n')).toEqual([
      ['', '', ''],
      ['', 'x', ''],
    ]);
  });
});

describe('a broken line', () => {
  it('with text after a closing quote is named and skipped', () => {
    const { records, bad } = parse('a,b\n"x"y,1\nok,2\n');
    expect(bad).toEqual([{ line: 2, problem: 'text after a closing quote' }]);
    expect(records.map((record) => record.fields)).toEqual([
      ['a', 'b'],
      ['ok', '2'],
    ]);
  });

  it('whose quote is never closed does not swallow the rest of the file', () => {
    const { records, bad } = parse('a,b\n"x,1\nok,2\nok,3\n', [5]);
    expect(bad).toEqual([{ line: 2, problem: 'quoted field is not closed' }]);
    expect(records.map((record) => record.line)).toEqual([1, 3, 4]);
  });

  it('whose quote is never closed is found after a megabyte of other lines too', () => {
    const lines = Array.from({ length: 150_000 }, (_, i) => `row,${i}`);
    lines[9] = '"row,9';
    const { records, bad } = parse(lines.join('\n'), [65_536]);
    expect(bad).toEqual([{ line: 10, problem: 'quoted field is not closed' }]);
    expect(records.length).toBe(149_999);
    expect(records.at(-1)).toEqual({ line: 150_000, fields: ['row', '149999'] });
  });

  it('of ten megabytes is refused without being kept in memory', () => {
    const bytes = Buffer.concat([Buffer.from('a,b\n'), Buffer.alloc(10 << 20, 'x'), Buffer.from('\nok,1\n')]);
    const { records, bad } = parse(bytes, [65_536]);
    expect(bad).toEqual([{ line: 2, problem: 'line longer than 1 MiB' }]);
    expect(records.map((record) => record.line)).toEqual([1, 3]);
  });

  it('with a NUL byte or too many fields is refused', () => {
    const { records, bad } = parse(`a,b\n1,\0\n${','.repeat(2000)}\n1,2\n`);
    expect(bad).toEqual([
      { line: 2, problem: 'NUL byte' },
      { line: 3, problem: 'more than 1024 fields' },
    ]);
    expect(records.map((record) => record.line)).toEqual([1, 4]);
  });
});

describe('numbers', () => {
  const read = (text: string) => {
    const bytes = Buffer.from(`,${text},`);
    return numberAt(bytes, 1, bytes.length - 1);
  };

  it('are the doubles that Number gives, in every decimal form', () => {
    fc.assert(
      fc.property(
        fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e300, max: 1e300 }).map((value) => value + 0),
        fc.integer({ min: 0, max: 20 }),
        (value, digits) => {
          expect(read(String(value))).toBe(value);
          if (Math.abs(value) < 1e21) expect(read(value.toFixed(digits))).toBe(Number(value.toFixed(digits)));
          expect(read(value.toExponential())).toBe(value);
          expect(read(value.toPrecision(7))).toBe(Number(value.toPrecision(7)));
        },
      ),
    );
  });

  it('are nothing else', () => {
    for (const text of [
      '',
      ' ',
      'NaN',
      'inf',
      'Infinity',
      '1,5',
      '1 000',
      '0x10',
      '1e',
      '.',
      '-',
      '+-1',
      '1.2.3',
      '12a',
    ]) {
      expect(read(text), text).toBeNaN();
    }
    expect(read(' 1.5 ')).toBe(1.5);
    expect(read('+2')).toBe(2);
    expect(read('.5')).toBe(0.5);
    expect(read('5.')).toBe(5);
    expect(read('-0.25')).toBe(-0.25);
    expect(read('1e400')).toBe(Number.POSITIVE_INFINITY);
  });

  it('may be absent in the words of vendors', () => {
    for (const text of ['', ' ', 'NaN', 'null', 'None', 'N/A', '-', 'nil'])
      expect(isMissingToken(text), text).toBe(true);
    for (const text of ['0', 'inf', 'nope', '--1']) expect(isMissingToken(text), text).toBe(false);
  });
});
