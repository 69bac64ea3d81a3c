/** What log lines of the user's own Python scripts mean; lines in the style that those scripts print. */
import { describe, expect, it } from 'vitest';
import { collectedEvents } from '../../src/platform/events.ts';
import { homeAt } from '../../src/platform/home.ts';
import type { ProgramSpec } from '../../src/platform/program.ts';
import { LineReader } from '../../src/supervisor/log-lifter.ts';
import { loadPrograms } from '../../src/supervisor/programs.ts';

const PROGRAMS = loadPrograms(homeAt('/nowhere'), { HOME: '/nowhere', XDG_CONFIG_HOME: '/nowhere' });
const program = (name: string): ProgramSpec => PROGRAMS.find((one) => one.name === name)!;

function read(name: string, lines: readonly string[], stream = 'err') {
  const events = collectedEvents();
  let now = 0;
  const reader = new LineReader(program(name).script!.reading, events.emit, () => (now += 1000));
  for (const line of lines) reader.push(stream, line);
  reader.flush();
  return { events: events.list, verdict: reader.verdict(program(name).rowsDue ?? false) };
}

const NUMERIC = 'python numeric-embeddings';

describe('a numeric backfill', () => {
  it('adds up rows and takes the final count of failures', () => {
    const { verdict } = read(NUMERIC, [
      '2025-12-01 14:22:02,101 INFO   Processing as-of date: 2016-10-21',
      '2025-12-01 14:22:06,123 INFO     Date complete: success=503 failures=0 skipped=0',
      '2025-12-01 14:22:10,456 INFO     Date complete: success=502 failures=1 skipped=0',
      '2025-12-01 14:22:11,000 INFO Backfill complete: total_success=1005 total_failures=1',
    ]);
    expect(verdict).toMatchObject({ rows: 1005, failures: 1, fatal: null, rowsDue: true });
  });

  it('that wrote nothing says so', () => {
    expect(read(NUMERIC, ['INFO Date complete: success=0 failures=0 skipped=503']).verdict.rows).toBe(0);
    expect(read(NUMERIC, ['INFO nothing to do']).verdict.rows).toBeNull();
  });

  it('shows tqdm’s bars as progress and a rate', () => {
    const { events } = read(NUMERIC, ['63%|██████▎   | 317/503 [00:12<00:07, 25.9it/s]']);
    expect(events).toEqual([
      { type: 'progress', done: 317, total: 503, unit: 'steps' },
      { type: 'metric', name: 'rate', value: 25.9, unit: 'rows/s' },
    ]);
  });
});

describe('a count that none can be', () => {
  it('is no figure', () => {
    const line = (rows: string) => [`INFO Date complete: success=${rows} failures=0 skipped=0`];
    expect(read(NUMERIC, line('9007199254740991')).verdict.rows).toBe(Number.MAX_SAFE_INTEGER);
    expect(read(NUMERIC, line('99999999999999999999')).verdict.rows).toBeNull();
  });
});

describe('a burst of lines', () => {
  const { reading } = program(NUMERIC).script!;
  const bar = (done: number) => `63%|██████▎   | ${done}/503 [00:12<00:07, 25.9it/s]`;

  it('ends with its last value once the pause is over, not with the end of the program', () => {
    const events = collectedEvents();
    let now = 0;
    const reader = new LineReader(reading, events.emit, () => now);
    const told = () => events.list.flatMap((event) => (event.type === 'progress' ? [event.done] : []));
    for (const done of [1, 2, 3]) reader.push('err', bar(done));
    reader.tellDue();
    expect(told()).toEqual([1]);
    now = 1000;
    reader.tellDue();
    expect(told()).toEqual([1, 3]);
    reader.tellDue();
    reader.flush();
    expect(told()).toEqual([1, 3]);
  });
});

describe('counts', () => {
  const date = (success: number, failures: number, skipped = 0) =>
    `2025-12-01 14:22:06,123 INFO Date complete: success=${success} failures=${failures} skipped=${skipped}`;

  it('of each day’s failures hold without a total, and are not added to one', () => {
    expect(read(NUMERIC, [date(503, 80), date(500, 8)]).verdict.failures).toBe(88);
    expect(read(NUMERIC, [date(503, 80), date(500, 8), 'INFO total_failures=88']).verdict.failures).toBe(88);
    // A total after a part of the days were seen.
    expect(read(NUMERIC, [date(500, 8), 'INFO total_failures=88']).verdict.failures).toBe(88);
  });

  it('of what was there already say that no row was due', () => {
    expect(read(NUMERIC, [date(0, 0, 503)]).verdict).toMatchObject({ rows: 0, rowsDue: false });
    expect(read(NUMERIC, [date(0, 0, 0)]).verdict.rowsDue).toBe(true);
    expect(read(NUMERIC, [date(0, 3, 500)]).verdict.rowsDue).toBe(true);
  });
});

describe('a traceback', () => {
  const TRACEBACK = [
    'Traceback (most recent call last):',
    '  File "backfill.py", line 12, in <module>',
    '    main()',
    '  File "backfill.py", line 7, in main',
    "    row['close']",
    "KeyError: 'close'",
  ];

  it('is the last line of the exception, in either stream', () => {
    expect(read(NUMERIC, TRACEBACK, 'out').verdict.fatal).toBe("KeyError: 'close'");
    expect(read(NUMERIC, TRACEBACK, 'err').verdict.fatal).toBe("KeyError: 'close'");
  });

  it('of a chain is the last one', () => {
    const chained = [
      ...TRACEBACK,
      '',
      'During handling of the above exception, another exception occurred:',
      '',
      'Traceback (most recent call last):',
      '  File "x.py", line 1, in f',
      'psycopg2.errors.UndefinedColumn: column "as_of" does not exist',
    ];
    expect(read(NUMERIC, chained).verdict.fatal).toContain('UndefinedColumn');
  });

  it('is not what a line of the other stream says in between', () => {
    const events = collectedEvents();
    const reader = new LineReader(program(NUMERIC).script!.reading, events.emit, () => 0);
    reader.push('err', TRACEBACK[0]);
    reader.push('out', 'INFO all is well');
    for (const line of TRACEBACK.slice(1)) reader.push('err', line);
    expect(reader.verdict(false).fatal).toBe("KeyError: 'close'");
  });
});

describe('a traceback of another shape', () => {
  it('of an exception group names an exception', () => {
    const group = [
      '  + Exception Group Traceback (most recent call last):',
      '  |   File "x.py", line 1, in <module>',
      '  |     raise ExceptionGroup("two", errors)',
      '  | ExceptionGroup: two (1 sub-exception)',
      '  +-+---------------- 1 ----------------',
      '    | ValueError: bad',
      '    +------------------------------------',
    ];
    expect(read(NUMERIC, group).verdict.fatal).toBe('ExceptionGroup: two (1 sub-exception)');
  });

  it('in the frame of rich, and in colours', () => {
    const rich = [
      '╭───────────── Traceback (most recent call last) ──────────────╮',
      '│ x.py:1 in <module>                                           │',
      '╰──────────────────────────────────────────────────────────────╯',
      'KeyError: 5',
    ];
    expect(read(NUMERIC, rich).verdict.fatal).toBe('KeyError: 5');
    const coloured = [
      '\x1b[31mTraceback\x1b[0m (most recent call last):',
      '  File \x1b[35m"x.py"\x1b[0m, line \x1b[35m1\x1b[0m, in \x1b[35m<module>\x1b[0m',
      '\x1b[1;35mKeyError\x1b[0m: \x1b[35m5\x1b[0m',
    ];
    expect(read(NUMERIC, coloured).verdict.fatal).toBe('KeyError: 5');
  });

  it('is not what a line merely says of one', () => {
    for (const line of [
      'grep found no "Traceback (most recent call last)" in the logs',
      'it ends where Traceback (most recent call last): stands',
      'Traceback (most recent call last) is what Python prints first',
      'see [1] and Traceback (most recent call last):',
    ])
      expect([line, read(NUMERIC, [line, 'done']).verdict.fatal]).toEqual([line, null]);
  });

  it('stands behind what loggers and pools of processes put before a line', () => {
    for (const before of [
      ...['', '    ', '[worker 3] ', '(pid=12) ', '2014-01-02 10:00:00,123 ERROR ', '| ', 'ERROR: '],
      '3it [00:12, 2it/s]',
    ]) {
      const lines = [
        `${before}Traceback (most recent call last):`,
        '  File "x.py", line 1, in <module>',
        'KeyError: 1',
      ];
      expect([before, read(NUMERIC, lines).verdict.fatal]).toEqual([before, 'KeyError: 1']);
    }
  });

  it('that breaks off is one still', () => {
    const lines = ['Traceback (most recent call last):', '  File "x.py", line 1, in <module>'];
    expect(read(NUMERIC, lines).verdict.fatal).toBe('Traceback (most recent call last):');
  });

  it('behind a progress bar, with a log line of another thread in it', () => {
    const lines = [
      '63%|██████▎   | 317/503 [00:12<00:07, 25.9it/s]Traceback (most recent call last):',
      '  File "x.py", line 1, in <module>',
      '2025-12-01 14:22:06,123 INFO heartbeat',
      'psycopg2.OperationalError: server closed the connection',
    ];
    const { events, verdict } = read(NUMERIC, lines);
    expect(verdict.fatal).toBe(lines[3]);
    expect(events).toContainEqual({ type: 'log', level: 'error', message: lines[3] });
  });
});

describe('events', () => {
  it('of a fast program are few, and the last one is kept', () => {
    const events = collectedEvents();
    let now = 0;
    const reader = new LineReader(program(NUMERIC).script!.reading, events.emit, () => now);
    for (let i = 1; i <= 5000; i++) {
      now += 1;
      reader.push('err', `| ${i}/5000 [00:00<00:00]`);
    }
    reader.flush();
    expect(events.list.length).toBeLessThan(30);
    expect(events.list.at(-1)).toMatchObject({ done: 5000, total: 5000 });
  });
});
