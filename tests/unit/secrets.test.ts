/** Passwords of command lines are left out wherever one is shown; everything else stays as it is. */
import fc from 'fast-check';
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
    ['sh -c "x {\\"token\\": \\"canary\\"}"', 'sh -c "x {\\"token\\": "…"}"'],
    ['token:canary api_key: canary', 'token:… api_key: …'],
    ["db_pass : 'can ary', -passin pass:canary", 'db_pass : …, -passin pass:…'],
    ['curl -u bob:canary http://h --user=bob:canary', 'curl -u bob:… http://h --user=bob:…'],
    ["mysql -h x -pcanary db; mysqldump -p'can ary' db", 'mysql -h x -p… db; mysqldump -p… db'],
    ['Bearer canary, bearer canary-2014', 'Bearer …, bearer …'],
    ['-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY----- x', '-----BEGIN RSA PRIVATE KEY-----… x'],
    ['-----BEGIN PRIVATE KEY-----\\nMII', '-----BEGIN PRIVATE KEY-----…'],
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
    'docker -u 1000:1000 run -p 80:80 mysql, tar -pcf x, id -u bob, sort -u a',
    'token: and then token:',
    'token: is missing; secret: required, password: none',
    'tokens: 5, tokenizer: bert, max-tokens:5, secretary: me, checks pass: 3',
    'token://vault/x secret://h',
    'model:num-stab-core-v2 sk-learn sk-learn-contrib-0.4 sk-num-stab-core-v2-2014-01-02 npm_config_registry hf_home',
    'the Bearer of bad news, Bearer bonds, eyJ.x AKIA xox- ghp_ sk-',
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

  it('is the word behind one that ends with a colon, or behind Bearer', () => {
    expect(maskWords(['x', 'token:', 'canary', 'Authorization:', 'canary', 'Bearer', 'canary', 'api_key:'])).toEqual([
      ...['x', 'token:', '…', 'Authorization:', '…', 'Bearer', '…', 'api_key:'],
    ]);
    expect(maskWords(['/usr/bin/mysql', '-u', 'me', '-pcan ary', 'db'])).toEqual([
      '/usr/bin/mysql',
      '-u',
      'me',
      '-p…',
      'db',
    ]);
    expect(maskWords(['curl', '-u', 'bob:can ary', '-pX'])).toEqual(['curl', '-u', 'bob:…', '-pX']);
    expect(maskWords(['token:can ary', 'pass:', '3', 'token:', '--end'])).toEqual([
      'token:…',
      'pass:',
      '3',
      'token:',
      '--end',
    ]);
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
    const addresses = '://:'.repeat(50_000);
    expect([maskText(addresses), maskWords([addresses])]).toEqual([addresses, [addresses]]);
    expect(maskText(`${addresses}@h`)).toBe('://:…@h');
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

describe('a secret of any value', () => {
  const value = fc
    .stringMatching(/^[A-Za-z0-9!#$%*+./?@^_~-]{12,40}$/)
    .filter((text) => /^[^-/]/.test(text) && !text.includes('://'));
  const name = fc
    .tuple(
      fc.constantFrom('', 'db_', 'DB-', 'my', 'X_'),
      fc.constantFrom('password', 'token', 'api_key', 'api-key', 'apikey', 'SECRET', 'access_key', 'passphrase'),
    )
    .map((parts) => parts.join(''));

  it('is left out behind a name, in text and in words', () => {
    const written = fc.constantFrom<((name: string, value: string) => string)[]>(
      (key, one) => `${key}:${one}`,
      (key, one) => `${key}: ${one}`,
      (key, one) => `${key}: '${one}'`,
      (key, one) => `${key}=${one}`,
      (key, one) => `--${key} ${one}`,
      (key, one) => `--${key}:${one}`,
      (key, one) => JSON.stringify({ [key]: one }),
      (key, one) => JSON.stringify(JSON.stringify({ [key]: one })),
    );
    fc.assert(
      fc.property(name, value, written, (key, secret, write) => {
        const text = `run ${write(key, secret)} --end 2014-03-31`;
        const masked = maskText(text);
        expect(masked).not.toContain(secret);
        expect(masked).toMatch(/^run .*…"?.* --end 2014-03-31$/);
        expect(maskText(masked)).toBe(masked);
        expect(maskWords([write(key, secret)])[0]).not.toContain(secret);
        expect(maskWords(text.split(' ')).join(' ')).not.toContain(secret);
      }),
    );
  });

  it('is left out by its shape, whatever it is called', () => {
    const shape = (begin: string, rest: RegExp) => fc.stringMatching(rest).map((end) => begin + end);
    const key = fc.oneof(
      shape('sk-', /^[A-Za-z0-9]{20,48}$/),
      shape('sk-proj-', /^[A-Za-z0-9_-]{20,60}$/),
      ...['ghp_', 'gho_', 'github_pat_', 'sk_live_', 'hf_', 'npm_'].map((begin) => shape(begin, /^[A-Za-z0-9]{36}$/)),
      ...['xoxb-', 'xoxp-', 'glpat-'].map((begin) => shape(begin, /^[0-9]{10}-[A-Za-z0-9]{20}$/)),
      shape('AKIA', /^[A-Z0-9]{16}$/),
      shape('eyJ', /^[\w-]{10,40}\.[\w-]{10,60}\.[\w-]{0,40}$/),
      shape('Bearer ', /^[A-Za-z0-9._~+/-]{12,40}=?$/),
    );
    const around = fc.constantFrom(
      ['', ''],
      ['--key=', ' --end 5'],
      ['"', '"'],
      ['x ', ', y'],
      ['https://h/', '?x=1'],
      ['(', ')'],
    );
    fc.assert(
      fc.property(key, around, (secret, [before, after]) => {
        const masked = maskText(before + secret + after);
        expect(masked).toMatch(/…/);
        expect(masked).not.toContain(secret.slice(-10));
        expect(masked.startsWith(before) && masked.endsWith(after)).toBe(true);
      }),
    );
  });

  it('is not seen in what command lines of ours hold', () => {
    const part = fc.stringMatching(/^[a-z]{1,9}$/);
    const ordinary = fc.oneof(
      fc
        .date({ min: new Date('1990-01-01'), max: new Date('2040-01-01'), noInvalidDate: true })
        .map((day) => day.toISOString()),
      fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => `/${parts.join('/')}.csv`),
      fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => `sk-${parts.join('-')}-v2`),
      fc.array(part, { minLength: 2, maxLength: 7 }).map((parts) => `x${parts.join(':x')}`),
      fc.double().map(String),
      fc.uuid(),
      fc.stringMatching(/^[0-9a-f]{40}$/),
    );
    fc.assert(
      fc.property(fc.array(ordinary), (words) => {
        expect(maskWords(words)).toEqual(words);
        expect(maskText(words.join(' '))).toBe(words.join(' '));
      }),
    );
  });
});
