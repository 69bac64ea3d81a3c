/** Arguments of an earlier job with changes laid over them, and words as a shell splits them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeArguments } from '../../src/cli/job-edit.ts';
import { shellWord, splitWords } from '../../src/format/command.ts';

describe('mergeArguments', () => {
  const before = ['--start', '2014-01-02', '--sleeve', 'a', '--sleeve', 'b', '--json', '--note=-x'];

  it.each([
    [
      ['--start', '2015-01-02'],
      ['--sleeve', 'a', '--sleeve', 'b', '--json', '--note=-x', '--start', '2015-01-02'],
    ],
    // All values of a repeated flag give way together.
    [
      ['--sleeve', 'c'],
      ['--start', '2014-01-02', '--json', '--note=-x', '--sleeve', 'c'],
    ],
    [['--no-json'], ['--start', '2014-01-02', '--sleeve', 'a', '--sleeve', 'b', '--note=-x', '--no-json']],
    [['--note=y'], ['--start', '2014-01-02', '--sleeve', 'a', '--sleeve', 'b', '--json', '--note=y']],
    [[], before],
  ])('%j', (changes, after) => expect(mergeArguments(before, changes)).toEqual(after));

  it('refuses what is no flag', () => {
    expect(() => mergeArguments(before, ['2015-01-02'])).toThrow("'2015-01-02' is no flag");
  });
});

describe('splitWords', () => {
  it.each([
    ['vi', ['vi']],
    ['  code --wait  ', ['code', '--wait']],
    [`a 'b c' "d e" f\\ g`, ['a', 'b c', 'd e', 'f g']],
    [`x"y z"'w' ""`, ['xy zw', '']],
    [`"a\\"b" 'it'\\''s'`, ['a"b', "it's"]],
    ['', []],
  ])('%s', (text, words) => expect(splitWords(text)).toEqual(words));

  it('undoes quoting', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1 })), (words) => {
        expect(splitWords(words.map(shellWord).join(' '))).toEqual(words);
      }),
    );
  });
});
