/** Bad input on the command line: one line that says what and what to do, the contract's exit code, never a stack trace. */
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canonicalSleeves, formatSleeve } from '../../engines/backtest/sleeves.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { dropServer } from '../../src/platform/db/embedded.ts';
import { homeAt } from '../../src/platform/home.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { bareEnvironment } from '../helpers/processes.ts';
import { smallMarket } from '../helpers/small-market.ts';
import { storePanel } from '../helpers/store-panel.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
let db: TestDatabases;
let home: string;
let range: string[];
let sleeves: string[];

beforeAll(async () => {
  const panel = smallMarket({ seed: 5, instruments: 20, days: 110 });
  db = await createTestDatabases();
  await storePanel(db.databases, panel);
  home = mkdtempSync(path.join(tmpdir(), 'prometheus-input-'));
  range = [
    '--market-id',
    'TEST',
    '--start',
    formatDay(panel.calendar.days[80]),
    '--end',
    formatDay(panel.calendar.days[109]),
  ];
  sleeves = canonicalSleeves('S', 'TEST').flatMap((sleeve) => ['--sleeve', formatSleeve(sleeve)]);
});
afterAll(async () => {
  await db?.drop();
  if (!home) return;
  // A table is looked for in the embedded databases, which are started for it: their server would stay.
  for (const one of ['home', 'full']) await dropServer(homeAt(path.join(home, one)));
  rmSync(home, { recursive: true, force: true });
});

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The last line of stderr. */
  readonly said: string;
}

function run(
  argv: readonly string[],
  options: { env?: Record<string, string>; through?: readonly string[]; stdout?: number } = {},
): Promise<Ran> {
  const [file, ...rest] = [...(options.through ?? []), process.execPath, path.join(ROOT, 'src/cli/main.ts'), ...argv];
  const child = spawn(file, rest, {
    env: { ...bareEnvironment(home, path.join(home, 'home')), ...options.env },
    cwd: home,
    stdio: ['ignore', options.stdout ?? 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => (stdout += chunk));
  child.stderr!.on('data', (chunk) => (stderr += chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr, said: stderr.trim().split('\n').at(-1) ?? '' }));
  });
}

const campaign = (urls: { historical: string; runtime: string }, extra: readonly string[] = []) => [
  'backtest',
  'campaign',
  ...range,
  ...sleeves,
  '--historical',
  urls.historical,
  '--runtime',
  urls.runtime,
  ...extra,
];

function expectOneLine(ran: Ran, code: number, what: RegExp): void {
  expect(ran.stderr).not.toMatch(/\n\s+at /);
  expect(ran.said).toMatch(what);
  expect(ran.said).toMatch(/^prometheus: .+\. .+/);
  expect(ran.code).toBe(code);
  expect(ran.stdout).toBe('');
}

describe('arguments', () => {
  it.each<[string[], RegExp]>([
    [['frobnicate'], /there is no command 'frobnicate'/],
    [['backtest'], /there is no command 'backtest'.*backtest campaign/],
    [['backtest', 'campaign', '--nonsense'], /unknown option '--nonsense'/],
    [
      ['backtest', 'campaign', '--market-id', 'X', '--start', '2014-02-30', '--end', '2014-03-01', '--sleeve', 'a'],
      /--start '2014-02-30'/,
    ],
    [['backtest', 'campaign', '--market-id', 'X', '--start', '2014-01-01'], /--end is required/],
    [
      [
        'backtest',
        'campaign',
        '--market-id',
        'X',
        '--start',
        '2014-03-01',
        '--end',
        '2014-01-01',
        '--sleeve',
        'a:b:X:d:e:f:5',
      ],
      /before --start/,
    ],
    [
      ['backtest', 'campaign', '--market-id', 'X', '--start', '2014-01-01', '--end', '2014-01-31', '--sleeve', 'a:b:c'],
      /3 fields, not 7/,
    ],
    [['backtest', 'campaign', '--initial-cash', 'lots'], /--initial-cash 'lots' is not a number/],
    [
      ['backtest', 'campaign', '--fill', 'yesterday'],
      /required|--fill 'yesterday': must be one of close, next_open, next_close/,
    ],
    [['backtest', 'campaign', '--initial-cash', '-5'], /--initial-cash '-5': must be above 0/],
    [['backtest', 'campaign', '--max-workers', '0'], /--max-workers '0': must be at least 1/],
    [['backtest', 'campaign', '--slippage-bps', '1001'], /--slippage-bps '1001': must be at most 1000/],
    [['db', 'url', 'elsewhere'], /<database> 'elsewhere': must be one of historical, runtime/],
    [['db', 'url'], /<database> is required: one of historical, runtime/],
    [['plan', 'full-horizon', '--start', 'soon'], /--start 'soon': is not a date/],
    [['data', 'digest', 'no_such_table'], /no_such_table/],
  ])('%j', async (argv, what) => {
    expectOneLine(await run(argv), 2, what);
  });

  it('help of a group of commands lists them; that of a command says what its arguments may be', async () => {
    for (const argv of [
      ['db', '--help'],
      ['help', 'db'],
    ]) {
      const { code, stdout, stderr } = await run(argv);
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(/^Usage: prometheus db COMMAND/);
      expect(stdout).toMatch(/^ {2}db status +server, databases/m);
      expect(stdout).not.toMatch(/backtest/);
    }
    expect((await run(['db', 'url', '--help'])).stdout).toMatch(/^ {2}historical\|runtime +which of the two/m);
    const models = (await run(['backfill', 'numeric-embeddings', '--help'])).stdout;
    expect(models).toMatch(/ --market MARKET +market \(default US_EQ\)/);
    expect(models).not.toContain('(default )');
  });

  it('a backend whose head was never fitted says both ways on', async () => {
    const ran = await run(campaign(db.urls, ['--assessment-backend', 'context']));
    expectOneLine(ran, 1, /assessment-context-v2 has not been fitted.*models fit.*assessment-context-v1/);
  });
});

describe('databases', () => {
  it('a wrong password', async () => {
    const { config } = db.targets.historical;
    const wrong = `postgresql://prometheus:wrong@/${config.database}?host=${encodeURIComponent(config.host!)}`;
    const ran = await run(campaign({ historical: wrong, runtime: db.urls.runtime }));
    expectOneLine(ran, 1, /password authentication failed.*--historical/);
    expect(ran.stderr).not.toMatch(/wrong@/);
  });

  it('a database that does not exist', async () => {
    const missing = db.urls.runtime.replace(db.targets.runtime.config.database!, 'nowhere');
    expectOneLine(
      await run(campaign({ historical: db.urls.historical, runtime: missing })),
      1,
      /runtime database \(nowhere.*does not exist/,
    );
  });

  it('a server that is not there', async () => {
    expectOneLine(
      await run(campaign({ historical: 'postgresql://u@127.0.0.1:1/x', runtime: db.urls.runtime })),
      1,
      /historical database \(x on 127.0.0.1:1\): no server answers/,
    );
  });

  it('an address that is none', async () => {
    expectOneLine(
      await run(campaign({ historical: 'mysql://x', runtime: db.urls.runtime })),
      2,
      /is not a PostgreSQL one/,
    );
  });

  it('settings in .env, a bad port among them', async () => {
    writeFileSync(path.join(home, '.env'), 'HISTORICAL_DB_HOST=localhost\nHISTORICAL_DB_PORT=99999\n');
    try {
      expectOneLine(
        await run(['backtest', 'campaign', ...range, ...sleeves]),
        2,
        /HISTORICAL_DB_PORT in .*\.env is '99999'/,
      );
    } finally {
      rmSync(path.join(home, '.env'));
    }
  });
});

describe('a full disk', () => {
  it('of the panel cache costs the cache, not the run', async () => {
    const ran = await run(campaign(db.urls), { through: ['prlimit', '--fsize=4096'] });
    expect(ran.stderr).not.toMatch(/\n\s+at /);
    expect(ran.code).toBe(0);
    expect(ran.stdout.trim().split('\n')).toHaveLength(4);
  });

  it('of the embedded server’s home is one line', async () => {
    const ran = await run(['db', 'up'], {
      through: ['prlimit', '--fsize=1000000'],
      env: { PROMETHEUS_HOME: path.join(home, 'full') },
    });
    expectOneLine(ran, 1, /disk|space|File too large|full/i);
  });

  it.each([
    ['a file with no room', ['prlimit', '--fsize=60'], 'out.json'],
    ['a device that is full', [], '/dev/full'],
  ])('under stdout, %s: the cut is told', async (_, through, target) => {
    const file = path.resolve(home, target);
    for (const argv of [
      ['backtest', 'sleeves', '--json'],
      ['backtest', '--help'],
      ['phases', '--json'],
    ]) {
      const out = openSync(file, 'w');
      const ran = await run(argv, { through, stdout: out });
      closeSync(out);
      expectOneLine(
        ran,
        1,
        /^prometheus: stdout cannot be written: the disk is full \(.*\); what was printed is cut off\. /,
      );
    }
  });
});
