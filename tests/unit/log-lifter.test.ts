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
