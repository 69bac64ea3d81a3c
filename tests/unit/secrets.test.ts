/** Passwords of command lines are left out wherever one is shown; everything else stays as it is. */
import { describe, expect, it } from 'vitest';
import { shellLine } from '../../src/format/command.ts';
import { maskJson, maskText, maskWords } from '../../src/platform/secrets.ts';

describe('a password', () => {
  it.each([
    ['postgresql://user:canary@host:5432/db?x=1', 'postgresql://user:…@host:5432/db?x=1'],
    ['see postgres://u:can@ry/a@host/db and go on', 'see postgres://u:…@host/db and go on'],
    ['host=h password=canary user=u', 'host=h password=… user=u'],
    ["host=h password='can\\'a ry' user=u", 'host=h password=… user=u'],
    ['http://h/?user=u&password=canary&x=1', 'http://h/?user=u&password=…&x=1'],
    ['API_KEY=canary RUN', 'API_KEY=… RUN'],
  ])('is left out of the text %s', (text, shown) => {
    expect(maskText(text)).toBe(shown);
  });

  it.each([
    'postgresql://user@host:5432/db',
    'http://localhost:8080/path',
    '--max-tokens=5 --end 2014-03-31 a@b.c',
    '12:30 mail to me@host',
  ])('is not seen in %s', (text) => {
    expect(maskText(text)).toBe(text);
    expect(maskWords(text.split(' '))).toEqual(text.split(' '));
  });

  it('is left out of words, in one with its flag or behind it, whatever it holds', () => {
    const words = ['--db-password', 'can ary', '--token=can ary', '--password', '--end', '2014-03-31', 'x:canary'];
    expect(maskWords(words)).toEqual([
      '--db-password',
      '…',
      '--token=…',
      '--password',
      '--end',
      '2014-03-31',
      'x:canary',
    ]);
    expect(shellLine(['--url', "postgresql://u:ca'n ary@h/d"])).not.toContain('ary');
    expect(shellLine(['--url', 'postgresql://u:canary@h/d'])).toBe('--url postgresql://u:…@h/d');
  });

  it('is left out of JSON: of texts, lists of words and keys that name one', () => {
    const spec = {
      argv: ['--password', 'canary'],
      args: { dbPassword: 'canary', url: 'a://u:canary@h', n: 1, on: [1] },
    };
    expect(JSON.parse(JSON.stringify(spec, maskJson))).toEqual({
      argv: ['--password', '…'],
      args: { dbPassword: '…', url: 'a://u:…@h', n: 1, on: [1] },
    });
  });
});
