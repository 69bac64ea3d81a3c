import { describe, expect, test } from 'vitest';
import { PROGRAMS } from '../../engines/catalog.ts';
import { validateJob } from '../../src/cli/job-check.ts';
import { policySchema } from '../../src/cli/job-policy.ts';
import { argumentFields, programSummary } from '../../src/cli/job-programs.ts';
import { homeAt } from '../../src/platform/home.ts';

const check = (args: string[], policy: string[] = [], program = 'backtest campaign') =>
  validateJob(homeAt('/nowhere'), PROGRAMS, { program, args, policy });
const RANGE = ['--market-id', 'US_EQ', '--start', '2014-01-02', '--end', '2014-03-31'];

describe('arguments as fields', () => {
  test('have kinds that a form can draw', () => {
    const { arguments: fields } = programSummary(PROGRAMS.find(({ name }) => name === 'backtest campaign')!);
    const kinds = Object.fromEntries(
      fields.map(({ name, kind, repeatable }) => [name, repeatable ? `${kind}s` : kind]),
    );
    expect(kinds).toMatchObject({
      '--market-id': 'string',
      '--start': 'date',
      '--transition-history': 'date',
      '--sleeve': 'strings',
      '--initial-cash': 'number',
      '--max-workers': 'integer',
      '--disable-risk': 'boolean',
    });
    expect(fields.find(({ name }) => name === '--fill')).toMatchObject({
      choices: ['close', 'next_open', 'next_close'],
      defaultValue: 'close',
      required: false,
    });
    expect(argumentFields(policySchema).map(({ name }) => name)).toContain('--kill-after');
  });

  test('of every program have a name, a kind and help', () => {
    for (const program of PROGRAMS) {
      for (const field of programSummary(program).arguments) {
        expect(field.help, `${program.name} ${field.name}`).not.toBe('');
        if (/^--(start|end)(-|$)/.test(field.name)) expect(field.kind, `${program.name} ${field.name}`).toBe('date');
      }
    }
  });
});

describe('a job that is being written', () => {
  test('is told everything that is wrong at once, each by its argument', () => {
    const { problems, command } = check(
      ['--market-id', 'US_EQ', '--start', '2014-13-02', '--fill', 'now', '--initial-cash', 'lots'],
      ['--nice', '99', '--after', '12'],
    );
    expect(problems).toEqual([
      { flag: '--initial-cash', message: "--initial-cash 'lots' is not a number", of: 'program' },
      { flag: '--start', message: "--start '2014-13-02': is not a date; write it as YYYY-MM-DD", of: 'program' },
      { flag: '--fill', message: "--fill 'now': must be one of close, next_open, next_close", of: 'program' },
      { flag: '--end', message: '--end is required', of: 'program' },
      { flag: '--sleeve', message: '--sleeve is required', of: 'program' },
      { flag: '--nice', message: "--nice '99': must be at most 19", of: 'job' },
    ]);
    expect(command).toEqual([]);
  });

  test('that is right gets its exact command and its policy', () => {
    const { problems, args, command, policy } = check(
      [...RANGE, '--sleeve', 'a'],
      ['--nice', '5', '--timeout', '60', '--stall', '0', '--attempts', '2'],
    );
    expect(problems).toEqual([]);
    expect(args.slice(0, 8)).toEqual([...RANGE, '--sleeve', 'a']);
    expect(command).toEqual(['prometheus', 'backtest', 'campaign', ...args]);
    expect(policy).toMatchObject({
      limits: { nice: 5, timeoutMs: 60_000, stallMs: null },
      retry: { attempts: 2, backoffMs: 30_000 },
    });
  });

  test('cannot wait for a job that is not there, nor be of an unknown program', () => {
    expect(check([...RANGE, '--sleeve', 'a'], ['--after', '12']).problems).toMatchObject([{ flag: '--after' }]);
    expect(check(['more', ...RANGE, '--sleeve', 'a']).problems).toEqual([
      { flag: null, message: "unexpected argument 'more'", of: 'program' },
    ]);
    expect(check(['--moon']).problems[0]).toMatchObject({ flag: null, message: expect.stringContaining('--moon') });
    expect(() => check([], [], 'to the moon')).toThrow("there is no program 'to the moon'");
  });
});
