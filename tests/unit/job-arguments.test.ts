import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { PROGRAMS } from '../../engines/catalog.ts';
import { parseArguments, toArgv } from '../../src/cli/arguments.ts';
import { parseProgramArguments } from '../../src/cli/job-runtime.ts';
import { defineProgram } from '../../src/platform/program.ts';
import { splitProgram } from '../../src/supervisor/launch.ts';

describe('splitProgram', () => {
  it.each([
    [['backtest', 'campaign', '--market-id', 'X'], 'backtest campaign', ['--market-id', 'X']],
    [['backtest campaign', '-x'], 'backtest campaign', ['-x']],
    [['backtest', 'campaign-and-meta'], 'backtest campaign-and-meta', []],
    [['data', 'digest', 'prices_daily', 'news_articles'], 'data digest', ['prices_daily', 'news_articles']],
  ])('%j', (words, program, rest) => expect(splitProgram(words, PROGRAMS)).toEqual({ program, args: rest }));

  it('names the programs there are', () => {
    expect(() => splitProgram(['backtest', 'the', 'moon'], PROGRAMS)).toThrow(
      "there is no program 'backtest the moon'",
    );
    expect(() => splitProgram(['--x'], PROGRAMS)).toThrow("there is no program ''");
  });
});

describe('arguments of a job', () => {
  const program = defineProgram({
    name: 'p',
    phase: 'P0',
    summary: '',
    args: z.object({
      shift: z.number().default(0),
      name: z.array(z.string()).default([]),
      fast: z.boolean().default(true),
      slow: z.boolean().default(false),
    }),
    reads: [],
    writes: [],
    resource: 'cpu',
  });

  it('come back as the words that mean the same, defaults included', () => {
    const parsed = parseProgramArguments(program, ['--name', 'a', 'b', '--no-fast', '--shift=-5', '--name=-c']);
    expect(parsed).toEqual({
      args: { shift: -5, name: ['a', 'b', '-c'], fast: false, slow: false },
      argv: ['--shift=-5', '--name', 'a', '--name', 'b', '--name=-c', '--no-fast'],
      environment: {},
    });
    expect(parseProgramArguments(program, parsed.argv)).toEqual(parsed);
    expect(parseProgramArguments(program, []).argv).toEqual(['--shift', '0']);
  });

  it('keep database URLs out of the command line', () => {
    expect(parseProgramArguments(program, ['--runtime', 'postgresql://u:p@h/d', '--debug'])).toMatchObject({
      argv: ['--shift', '0', '--debug'],
      environment: { RUNTIME_DB_URL: 'postgresql://u:p@h/d' },
    });
  });

  it('may have one-letter flags', () => {
    const schema = z.object({ follow: z.boolean().default(false).meta({ short: 'f', description: 'go on' }) });
    expect(parseArguments('x', schema, ['-f']).args).toEqual({ follow: true });
    expect(toArgv(schema, { follow: true })).toEqual(['--follow']);
  });
});
