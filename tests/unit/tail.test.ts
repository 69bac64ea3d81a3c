import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileTail, LineAssembler } from '../../src/supervisor/tail.ts';

function assemble(chunks: readonly (Buffer | string)[], maxBytes = 100): string[] {
  const assembler = new LineAssembler(maxBytes);
  const lines: string[] = [];
  for (const chunk of chunks) assembler.push(Buffer.from(chunk as string), (line) => lines.push(line));
  return [...lines, `partial:${assembler.partial()}`];
}

describe('LineAssembler', () => {
  it('joins what was cut, and keeps the last line without a newline', () => {
    expect(assemble(['ab', 'c\nd', '\n', '\ne'])).toEqual(['abc', 'd', '', 'partial:e']);
  });

  it('collapses progress bars and knows Windows line ends', () => {
    expect(assemble(['10 %\r20 %\r30 %'])).toEqual(['partial:30 %']);
    expect(assemble(['10 %\r', '20 %\r', '\n', 'next\n'])).toEqual(['20 %', 'next', 'partial:']);
    expect(assemble(['\r10 %', '\r20 %'])).toEqual(['partial:20 %']);
    expect(assemble(['one\r\ntwo\r', '\n'])).toEqual(['one', 'two', 'partial:']);
  });

  it('cuts a long line and says by how much, at a whole character', () => {
    expect(assemble(['x'.repeat(150), 'y'.repeat(50), '\nshort\n'])).toEqual([
      `${'x'.repeat(100)} … (+100 bytes)`,
      'short',
      'partial:',
    ]);
    expect(assemble([`${'é'.repeat(6)}\n`], 5)).toEqual(['éé … (+7 bytes)', 'partial:']);
  });

  it('survives bytes that are no text, and characters cut in two', () => {
    expect(assemble([Buffer.from([0x61, 0xff, 0xfe, 0x62, 0x0a])])).toEqual(['a\ufffd\ufffdb', 'partial:']);
    const euro = Buffer.from('€');
    expect(assemble([euro.subarray(0, 1), euro.subarray(1), '\n'])).toEqual(['€', 'partial:']);
  });

  it('gives the same lines however the bytes are cut', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'é', '\n', '\r', '\r\n', '€', 'zz') });
    fc.assert(
      fc.property(text, fc.array(fc.nat(40)), (value, cuts) => {
        const bytes = Buffer.from(value);
        const chunks: Buffer[] = [];
        let at = 0;
        for (const size of cuts) chunks.push(bytes.subarray(at, (at += size)));
        chunks.push(bytes.subarray(at));
        expect(assemble(chunks, 8)).toEqual(assemble([bytes], 8));
      }),
    );
  });
});

describe('FileTail', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'tail-'));
    file = path.join(folder, 'log');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const readAll = (tail: FileTail) => {
    const lines: string[] = [];
    const skipped: number[] = [];
    tail.read(
      (line) => lines.push(line),
      (bytes) => skipped.push(bytes),
    );
    return { lines, skipped };
  };

  it('reads only what was appended', () => {
    const tail = new FileTail(file);
    expect(tail.read(() => {})).toBe(false);
    writeFileSync(file, 'one\ntw');
    expect(readAll(tail).lines).toEqual(['one']);
    expect(tail.partial()).toBe('tw');
    expect(tail.read(() => {})).toBe(false);
    appendFileSync(file, 'o\nthree\n');
    expect(readAll(tail).lines).toEqual(['two', 'three']);
  });

  it('starts over when the file shrank', () => {
    writeFileSync(file, 'one\ntwo\nhal');
    const tail = new FileTail(file);
    readAll(tail);
    truncateSync(file, 0);
    appendFileSync(file, 'new\n');
    expect(readAll(tail).lines).toEqual(['new']);
  });

  it('begins near the end, at a whole line', () => {
    writeFileSync(file, 'first\nsecond\nthird\nfourth\n');
    expect(readAll(new FileTail(file, { lastBytes: 15 })).lines).toEqual(['third', 'fourth']);
    expect(readAll(new FileTail(file, { lastBytes: 1000 })).lines).toEqual(['first', 'second', 'third', 'fourth']);
  });

  it('finds the current state of a progress bar that never ends its line', () => {
    writeFileSync(file, Array.from({ length: 5000 }, (_, i) => `\r${i} of 5000`).join(''));
    const tail = new FileTail(file, { lastBytes: 100 });
    readAll(tail);
    expect(tail.partial()).toBe('4999 of 5000');
  });

  it('skips what came faster than it may read, and says so', () => {
    writeFileSync(file, 'start\n');
    const tail = new FileTail(file, { maxBytesPerRead: 1000 });
    readAll(tail);
    const lines = Array.from({ length: 1000 }, (_, i) => `line ${i}`);
    appendFileSync(file, `${lines.join('\n')}\n`);
    const { lines: seen, skipped } = readAll(tail);
    expect(seen.at(-1)).toBe('line 999');
    expect(lines.slice(-seen.length)).toEqual(seen);
    expect(skipped).toEqual([lines.join('\n').length + 1 - 1000]);
  });

  it('reads a line of 10 MB in bounded memory', () => {
    writeFileSync(file, `${'x'.repeat(10_000_000)}\nafter\n`);
    const { lines } = readAll(new FileTail(file));
    expect(lines).toEqual([`${'x'.repeat(8192)} … (+9991808 bytes)`, 'after']);
  });

  it('takes a folder in the place of the file for an empty one', () => {
    expect(new FileTail(folder).read(() => {})).toBe(false);
  });
});
