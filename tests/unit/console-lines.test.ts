import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { copyRoute, copySequence } from '../../src/console/clipboard.ts';
import { readFilter } from '../../src/console/filter.ts';
import { EMPTY_LINE, editLine, insertText, lineOf, splitAtCursor } from '../../src/console/line-editor.ts';

describe('a line being typed', () => {
  const type = (...keys: string[]) => keys.reduce((line, key) => editLine(line, key) ?? line, EMPTY_LINE);

  test('takes characters, not names of keys', () => {
    expect(type('a', 'space', 'é', '👩‍🔬', 'f5', 'alt+j').text).toBe('a é👩‍🔬');
  });

  test('edits at the cursor, a whole character at a time', () => {
    expect(type('a', '👩‍🔬', 'b', 'left', 'backspace')).toEqual({ text: 'ab', at: 1 });
    expect(type('a', 'b', 'home', 'delete', 'x')).toEqual({ text: 'xb', at: 1 });
    expect(editLine(lineOf('job stop 12'), 'ctrl+w')?.text).toBe('job stop ');
    expect(editLine(lineOf('job stop'), 'ctrl+u')?.text).toBe('');
  });

  test('pasted text keeps no line end and no control character', () => {
    expect(insertText(EMPTY_LINE, 'a\r\nb\x1b[31mc').text).toBe('a b[31mc');
  });

  test('the cursor stays within the line whatever is pressed', () => {
    const keys = ['left', 'right', 'home', 'end', 'backspace', 'delete', 'ctrl+u', 'ctrl+w', 'space', 'x', '👍🏽', 'é'];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...keys), { maxLength: 60 }), (pressed) => {
        const line = type(...pressed);
        expect(splitAtCursor(line).join('')).toBe(line.text);
        expect(line.at).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

describe('a filter', () => {
  test.each([
    ['camp', '0007-backtest-campaign', true],
    ['^0007', '0007-backtest-campaign', true],
    ['Camp', '0007-backtest-campaign', false],
    ['!camp', '0007-backtest-campaign', false],
    ['!FAIL', 'DONE', true],
    ['~btcm', '0007-backtest-campaign', true],
    ['~mcb', '0007-backtest-campaign', false],
    ['!~zz', 'abc', true],
    ['', 'anything', true],
  ])('%s on %s', (filter, text, matches) => {
    expect(readFilter(filter).matches(text)).toBe(matches);
  });

  test.each(['(a+)+$', '(a|aa)+$', '^(a|b|ab)*c', '!(a+)+$'])('%s ends on any line', (filter) => {
    const line = `${'a'.repeat(200)}!`;
    expect(readFilter(filter).matches(line)).toBe(filter.startsWith('!'));
    expect(readFilter(filter).parts(line)).toEqual([]);
  });

  test('that could take for ever is refused', () => {
    for (const text of ['(a+)+(?=b)', '(a|aa)+\\1', '(\\p{L}+)+$']) {
      expect(readFilter(text).problem).toContain('could take for ever');
      expect(readFilter(text).matches('x')).toBe(true);
    }
    for (const text of ['(?=a)b', 'a{20}', '\\p{L}+']) expect(readFilter(text).problem).toBeNull();
  });

  test.each([
    ['İstanbul ÄRGER', 'ärger', [[9, 14]]],
    ['x👩y', 'x.', [[0, 3]]],
    [
      '👩👩',
      '.',
      [
        [0, 2],
        [2, 4],
      ],
    ],
    [
      'Aa',
      'a',
      [
        [0, 1],
        [1, 2],
      ],
    ],
  ])('in %s shows where %s is, in whole characters', (line, filter, parts) => {
    expect(readFilter(filter).parts(line)).toEqual(parts);
  });

  test('that is no regular expression lets everything through and says so', () => {
    for (const text of ['(', '!(']) {
      expect(readFilter(text).problem).toContain('no regular expression');
      expect(readFilter(text).matches('x')).toBe(true);
    }
  });
});

describe('the clipboard', () => {
  test('is reached by OSC 52, wrapped for tmux and screen', () => {
    expect(copySequence('ab', {})).toBe('\x1b]52;c;YWI=\x07');
    expect(copySequence('ab', { TMUX: '/tmp/tmux' })).toBe('\x1bPtmux;\x1b\x1b]52;c;YWI=\x07\x1b\\');
    expect(copySequence('ab', { STY: '1.pts' })).toBe('\x1bP\x1b]52;c;YWI=\x07\x1b\\');
    expect(copyRoute('ä', { TMUX: 'x' })).toBe('2 bytes sent to the terminal through tmux (OSC 52)');
  });

  test('is not tried with more than terminals take', () => {
    expect(copySequence('x'.repeat(80_000), {})).toBeNull();
  });
});
