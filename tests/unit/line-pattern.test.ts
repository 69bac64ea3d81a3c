import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { homeAt } from '../../src/platform/home.ts';
import { LinePattern, requiredText } from '../../src/supervisor/line-pattern.ts';
import { loadPrograms } from '../../src/supervisor/programs.ts';

describe('the text that a pattern requires', () => {
  it.each([
    ['\\bsuccess=(?<rows>\\d+)', 'success='],
    ['\\|\\s*(?<done>\\d+)/(?<total>\\d+) \\[', ' ['],
    ['(?<value>[\\d.]+)\\s*it/s', 'it/s'],
    ['^FATAL', 'FATAL'],
    ['a|bcd', ''],
    ['(abc)?d', 'd'],
    ['abc?', 'ab'],
    ['abc*de', 'ab'],
    ['ab{0,2}cd', 'cd'],
    ['abc+d', 'abc'],
    ['x(?:a|b)\\)yz', ')yz'],
    ['[abc\\]]+=(\\d)', '='],
    ['\\u0041bc', 'bc'],
    ['\\d+', ''],
    ['(?<a>x)\\k<a>yy', 'yy'],
    ['\\1ab\\x41', 'ab'],
  ])('%s: %s', (source, text) => {
    expect(requiredText(source)).toBe(text);
  });

  it('never hides a match', () => {
    const atom = fc.constantFrom(
      'a',
      'b',
      ' ',
      '=',
      '\\.',
      '\\d',
      '\\b',
      '.',
      '[ab]',
      '[^a]',
      '(a|b)',
      '(?:ab)',
      '(?<x>a)',
    );
    const more = fc.constantFrom('', '', '', '?', '*', '+', '{0,1}', '{2}', '??', '+?');
    const part = fc.tuple(atom, more).map(([one, many]) => (one === '\\b' ? one : one + many));
    const source = fc
      .tuple(fc.array(part, { minLength: 1, maxLength: 6 }), fc.boolean())
      .map(([parts, either]) => (either ? `${parts.join('')}|b=` : parts.join('')))
      .filter((one) => one.split('?<x>').length <= 2);
    const line = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '=', '.', '1'), maxLength: 12 });
    fc.assert(
      fc.property(source, line, (one, text) => {
        expect(new LinePattern(one).test(text)).toBe(new RegExp(one).test(text));
      }),
      { numRuns: 3000 },
    );
  });

  it('is known for most shipped patterns', () => {
    const programs = loadPrograms(homeAt('/nowhere'), { XDG_CONFIG_HOME: '/nowhere' });
    const sources = programs.flatMap(({ script }) => {
      const { progress, metrics, rows, failures, skipped = [] } = script!.reading;
      return [
        ...progress,
        ...metrics.map((one) => one.pattern),
        ...rows,
        ...failures.map((one) => one.pattern),
        ...skipped,
      ];
    });
    expect(sources.filter((one) => requiredText(one) === '')).toEqual([]);
  });
});
