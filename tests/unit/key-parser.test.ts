import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createKeyParser, escapeTimeout, isKeyName, type KeyEvent } from '../../src/console/key-parser.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const names = (events: readonly KeyEvent[]): string[] =>
  events.map((event) =>
    event.type === 'key' ? event.id : event.type === 'paste' ? `paste:${event.text}` : event.what,
  );

/** Feeds chunks with the pauses between them (ms), letting due timers run as the session does. */
function type(chunks: readonly (string | Uint8Array | number)[], escapeTimeoutMs = 25): string[] {
  const parser = createKeyParser({ escapeTimeoutMs });
  const seen: KeyEvent[] = [];
  let now = 1000;
  const pause = (ms: number) => {
    const end = now + ms;
    for (let due = parser.deadline(); due !== null && due <= end; due = parser.deadline()) {
      now = Math.max(now, due);
      seen.push(...parser.tick(now));
    }
    now = end;
  };
  for (const chunk of chunks) {
    if (typeof chunk === 'number') pause(chunk);
    else seen.push(...parser.feed(typeof chunk === 'string' ? bytes(chunk) : chunk, now));
  }
  pause(10_000);
  expect(parser.deadline()).toBeNull();
  return names(seen);
}

describe('keys', () => {
  test.each<[string, (string | Uint8Array | number)[], string[]]>([
    ['a letter', ['j'], ['j']],
    ['a repeated letter in one chunk is as many keys', ['jjj'], ['j', 'j', 'j']],
    ['capitals keep their case', ['LG'], ['L', 'G']],
    ['controls', ['\x03\x0c\x12\x1a\x00'], ['ctrl+c', 'ctrl+l', 'ctrl+r', 'ctrl+z', 'ctrl+space']],
    ['enter, tab, space, both backspaces', ['\r\t \x7f\x08'], ['enter', 'tab', 'space', 'backspace', 'backspace']],
    ['a line feed is no enter: it comes from pasted text', ['\n'], ['ctrl+j']],
    ['arrows, both spellings', ['\x1b[A\x1bOB\x1b[C\x1bOD'], ['up', 'down', 'right', 'left']],
    ['paging keys', ['\x1b[5~\x1b[6~\x1b[H\x1b[4~'], ['pageup', 'pagedown', 'home', 'end']],
    ['modifiers', ['\x1b[Z\x1b[1;5A\x1b[5;2~'], ['shift+tab', 'ctrl+up', 'shift+pageup']],
    ['UTF-8, split in the middle', [bytes('\xc3'), 30, bytes('\xa9'), 'x'], ['é', 'x']],
    ['a broken UTF-8 character is dropped, what follows is not', [bytes('\xc3q')], ['q']],
    ['a lone ESC', ['\x1b'], ['escape']],
    ['two lone ESC', ['\x1b', 50, '\x1b'], ['escape', 'escape']],
    ['ESC and at once a letter may be Alt: the letter is not acted upon', ['\x1bx'], ['escape', 'alt+x']],
    ['ESC, a pause, a letter', ['\x1b', 30, 'j'], ['escape', 'j']],
    ['^c after ESC is ^c', ['\x1b\x03'], ['escape', 'ctrl+c']],
    ['Alt with a letter beyond ASCII', [bytes('\x1b\xc3\xa9')], ['escape', 'alt+é']],
  ])('%s', (_, chunks, expected) => expect(type(chunks)).toEqual(expected));

  test.each([5, 40, 200])('an arrow split after ESC by %i ms is an arrow on a slow link', (pause) => {
    expect(type(['\x1b', pause, '[A'], 250)).toEqual(['up']);
    expect(type(['\x1b[', pause, 'A'], 250)).toEqual(['up']);
  });

  test('on a fast link a late tail still never becomes letters', () => {
    expect(type(['\x1b', 200, '[A'], 25)).toEqual(['escape', 'up']);
    expect(type(['\x1b', 200, 'OA'], 25)).toEqual(['escape', 'up']);
    expect(type(['\x1b', 1500, 'OA'], 25)).toEqual(['escape', 'O', 'A']);
  });

  test('the wait for a lone ESC is short here and longer over SSH, and bounded in both', () => {
    expect(escapeTimeout({})).toBe(25);
    expect(escapeTimeout({ SSH_CONNECTION: '10.0.0.1 22' })).toBe(250);
  });
});

describe('what is no key', () => {
  test.each<[string, (string | Uint8Array | number)[]]>([
    ['mouse, SGR', ['\x1b[<0;10;5M\x1b[<0;10;5m\x1b[<64;1;1M']],
    ['mouse, X10: three raw bytes, letters among them', ['\x1b[Mqxn']],
    ['mouse, urxvt', ['\x1b[32;10;5M']],
    ['focus in and out', ['\x1b[I\x1b[O']],
    ['colour reply ended by BEL', ['\x1b]11;rgb:0c0c/0c0c/0c0c\x07']],
    ['clipboard reply ended by ST', ['\x1b]52;c;cXhuTFJ4\x1b\\']],
    ['the same split everywhere', ['\x1b', ']', '52;c;q', 3, 'xn', '\x1b', '\\']],
    ['terminal name (DCS)', ['\x1bP>|xterm(379)\x1b\\']],
    ['APC and PM', ['\x1b_qqq\x1b\\\x1b^nnn\x1b\\']],
    ['device attributes, cursor position, kitty flags', ['\x1b[?62;1;6c\x1b[24;80R\x1b[?1u']],
    ['kitty key reports', ['\x1b[113u\x1b[110;5:3u']],
    ['modifyOtherKeys', ['\x1b[27;5;113~']],
    ['function keys', ['\x1bOP\x1b[15~\x1b[[A\x1b[24~']],
    ['character set switches', ['\x1b(B\x1b)0']],
    ['8-bit forms', ['\x9b<0;1;1M', '\x9d11;x\x07', '\x90q\x1b\\']],
    ['a sequence cut off by CAN', ['\x1b[12\x18']],
    ['an endless parameter', [`\x1b[${'1'.repeat(5000)}n`]],
  ])('%s', (_, chunks) => expect(type(chunks)).toEqual([]));

  test('an unfinished reply is given up, and keys work again', () => {
    expect(type(['\x1b]11;rgb', 5000, 'q'])).toEqual(['q']);
    expect(type(['\x1b[200~never ended', 5000, 'q'])).toEqual(['paste:never ended', 'q']);
  });
});

describe('paste', () => {
  test('is text, whatever it says', () => {
    expect(type(['\x1b[200~q\rx\x1b[A\x03\x1b[201~j'])).toEqual(['paste:q\rx\x1b[A\x03', 'j']);
  });

  test('may be split at every byte', () => {
    const whole = '\x1b[200~nLq\x1b[20\x1b[201~';
    expect(type([...whole])).toEqual(['paste:nLq\x1b[20']);
  });

  test('is bounded: what is too much is dropped, the end is still found', () => {
    const [event] = type([`\x1b[200~${'a'.repeat(3 << 20)}\x1b[201~`]);
    expect(event.length).toBeLessThan(2 << 20);
  });
});

describe('fuzz', () => {
  const csi = fc
    .tuple(
      fc.constantFrom('<', '?', '>', '=', ''),
      fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 2, maxLength: 5 }),
      // Finals of keys are left out: such a sequence is that key.
      fc.constantFrom(...'cghlmnpqrstuvwxyzEGIJKLMNOPQRSTUVWXY'),
    )
    .map(([mark, numbers, final]) => `\x1b[${mark}${numbers.join(';')}${final}`);
  const text = fc.string({ unit: fc.constantFrom(...'nrxLqj0123456789;:/?'), maxLength: 30 });
  const strings = fc
    .tuple(fc.constantFrom(']', 'P', '_', '^', 'X'), text, fc.constantFrom('\x1b\\', '\x07'))
    // Only OSC may end in BEL.
    .map(([kind, words, end]) => `\x1b${kind}${words}${kind === ']' ? end : '\x1b\\'}`);
  const mouse = text.map((t) => `\x1b[M${t.padEnd(3, ' ').slice(0, 3)}`);
  const noise = fc.oneof(csi, strings, mouse);

  test('random escape sequences around known keys fire no other action', () => {
    const key = fc.constantFrom('j', 'k', 'G', 'r');
    fc.assert(
      fc.property(
        fc.array(fc.oneof(key, noise), { maxLength: 30 }),
        fc.array(fc.nat(400), { maxLength: 12 }),
        (parts, cuts) => {
          const whole = parts.join('');
          const at = [...new Set(cuts.map((cut) => cut % (whole.length + 1)))].sort((a, b) => a - b);
          const chunks = [0, ...at].map((from, i) => whole.slice(from, at[i] ?? whole.length));
          expect(type(chunks)).toEqual(parts.filter((part) => part.length === 1));
        },
      ),
      { numRuns: 500 },
    );
  });

  test('no byte sequence crashes the parser or leaves it stuck', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 }), (chunks) => {
        const keys = type([...chunks, 5000, 'q']);
        expect(keys.at(-1)).toBe('q');
        expect(keys.filter((id) => !isKeyName(id))).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test('what is no key has no name', () => {
    const names = ['j', 'J', '?', 'space', 'shift+tab', 'ctrl+r', 'alt+j', 'pagedown', 'é', '日'];
    expect(names.filter((id) => !isKeyName(id))).toEqual([]);
    expect(['99', '', ' ', 'Tab', 'ctrl+', 'enter '].filter(isKeyName)).toEqual([]);
  });
});
