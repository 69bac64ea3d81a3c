/** Passwords of command lines are left out wherever one is shown; everything else stays as it is. */
import { describe, expect, it } from 'vitest';
import { shellLine } from '../../src/format/command.ts';
import { maskJson, maskText, maskTypedJson, maskWords, mayBeSecret, namesSecret } from '../../src/platform/secrets.ts';

describe('a password', () => {
  it.each([
    ['postgresql://user:canary@host:5432/db?x=1', 'postgresql://user:…@host:5432/db?x=1'],
    ['see postgres://u:can@ry/a@host/db and go on', 'see postgres://u:…@host/db and go on'],
    ['host=h password=canary user=u', 'host=h password=… user=u'],
    ["host=h password='can\\'a ry' user=u", 'host=h password=… user=u'],
    ['http://h/?user=u&password=canary&x=1', 'http://h/?user=u&password=…&x=1'],
    ['API_KEY=canary RUN', 'API_KEY=… RUN'],
    ['PGPASSWORD=canary DB_PASS=canary psql', 'PGPASSWORD=… DB_PASS=… psql'],
    ['AWS_SECRET_ACCESS_KEY=canary AWS_ACCESS_KEY_ID=AK', 'AWS_SECRET_ACCESS_KEY=… AWS_ACCESS_KEY_ID=AK'],
    ['MYSQL_PWD=canary dbPassword=canary pass=canary', 'MYSQL_PWD=… dbPassword=… pass=…'],
    ['curl -H "Authorization: Bearer canary" http://h/', 'curl -H "Authorization: Bearer …" http://h/'],
    ['Authorization: canary and X-Api-Key: canary', 'Authorization: … and X-Api-Key: …'],
    ["run --password canary --api-key 'can ary' --end 5", 'run --password … --api-key … --end 5'],
    ['(x -token "can ary"; y --pw canary)', '(x -token …; y --pw …'],
    ['{"user": "u", "dbPassword": "canary", "n": 1}', '{"user": "u", "dbPassword": "…", "n": 1}'],
  ])('is left out of the text %s', (text, shown) => {
    expect(maskText(text)).toBe(shown);
  });

  it.each([
    'postgresql://user@host:5432/db',
    'http://localhost:8080/path',
    '--max-tokens=5 --end 2014-03-31 a@b.c',
    '12:30 mail to me@host',
    '--tokenizer bert --tokens 5 --secretary x --passes 3 --pass-count 4 --compass n',
    'passes=3 secretary=me tokenizer=bert compass=n bypass=1 PWD=/home/me OLDPWD=/',
    'author: me, bearer bonds',
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
    expect(maskWords(['--pw', 'canary', '--db-pass', 'canary', '--AWS_SECRET_ACCESS_KEY', 'canary'])).toEqual([
      ...['--pw', '…', '--db-pass', '…', '--AWS_SECRET_ACCESS_KEY', '…'],
    ]);
    expect(shellLine(['sh', '-c', 'x --password canary; y'])).toBe("sh -c 'x --password … y'");
    expect(shellLine(['--url', "postgresql://u:ca'n ary@h/d"])).not.toContain('ary');
    expect(shellLine(['--url', 'postgresql://u:canary@h/d'])).toBe('--url postgresql://u:…@h/d');
  });

  it('is not what is said of a flag', () => {
    for (const text of ['--password is missing', 'give --token or --db-pass', '--api-key must be text'])
      expect(maskText(text)).toBe(text);
  });

  it('is named by keys of any writing', () => {
    for (const name of ['dbPassword', 'API_KEY', 'PGPASSWORD', 'api-key', 'pw', 'secretAccessKey', 'DB_PASS'])
      expect([name, namesSecret(name)]).toEqual([name, true]);
    for (const name of ['tokenizer', 'passes', 'secretary', 'key', 'idempotencyKey', 'maxTokens', 'compass', 'pwd1'])
      expect([name, namesSecret(name)]).toEqual([name, false]);
  });

  it.each([
    ['compare host=h password=', 'canary', ' --end 5'],
    ["run --password '", 'can ary', "' --end 5"],
    ['run --api-key ', 'iscanary', ' --end 5'],
    ['see postgres://u:', 'can@ry/a@', ' and go on'],
    ['{"dbPassword": "', 'canary', '", "n": 1}'],
    ['Authorization: Bearer ', 'canary', ', and go on'],
  ])('is seen letter by letter before it ends: %s', (before, secret, after) => {
    const hidden = [...secret].map((letter, i) => mayBeSecret(before + secret.slice(0, i), letter, ''));
    expect(hidden).not.toContain(false);
    // In the middle of what stands there, and as a whole.
    expect(mayBeSecret(before + secret[0], 'x', secret.slice(1) + after)).toBe(true);
    expect(mayBeSecret('', before + secret, '')).toBe(true);
  });

  it('is no word of an ordinary line', () => {
    const line =
      'job start backtest campaign -- --market-id US_EQ --end 2014-03-31 --passes 3 to http://host/path or ~cmp';
    for (let i = 0; i < line.length; i++) expect([i, mayBeSecret(line.slice(0, i), line[i], '')]).toEqual([i, false]);
    expect(mayBeSecret('', line, '')).toBe(false);
  });

  it('is left out of an address that is not typed to its end', () => {
    const masked = (value: unknown) => JSON.parse(JSON.stringify(value, maskTypedJson));
    expect(masked(['--url', 'postgresql://u:can', '--n', '1'])).toEqual(['--url', 'postgresql://u:…', '--n', '1']);
    expect(masked({ message: "--url 'postgresql://u:can@ry' is none" })).toEqual({
      message: "--url 'postgresql://u:… is none",
    });
    // What was masked already is masked the same.
    for (const words of [
      ['--pw', 'canary'],
      ['--pw', '•••'],
      ['--pw', '…'],
    ])
      expect(masked(words)).toEqual(['--pw', '…']);
  });

  it('is looked for in time that grows with the text alone', () => {
    const long = `${'a-'.repeat(200_000)}${'--pass '.repeat(20_000)}${'"'.repeat(1000)}`;
    expect(maskText(long)).toHaveLength(maskText(long).length);
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
