/** The user's own commands as programs: what a file may say, and what is said about one that says it wrongly. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { numericBackfillSpec } from '../../engines/numeric/spec.ts';
import { textBackfillSpec } from '../../engines/text/spec.ts';
import { parseProgramArguments } from '../../src/cli/job-runtime.ts';
import { type Home, homeAt } from '../../src/platform/home.ts';
import type { ProgramSpec } from '../../src/platform/program.ts';
import { claimsOf } from '../../src/supervisor/claims.ts';
import { findProgram, splitProgram } from '../../src/supervisor/launch.ts';
import { LinePattern } from '../../src/supervisor/line-pattern.ts';
import { catalogueOwn, loadPrograms } from '../../src/supervisor/programs.ts';

let root: string;
let home: Home;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'prometheus-programs-'));
  home = homeAt(root);
  mkdirSync(root, { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const load = (yaml?: string) => {
  if (yaml !== undefined) writeFileSync(path.join(root, 'programs.yaml'), yaml);
  return loadPrograms(home, { XDG_CONFIG_HOME: path.join(root, 'none') });
};
const find = (name: string, yaml?: string) => load(yaml).find((one) => one.name === name)!;
const faultOf = (yaml: string) => load(yaml).find((one) => one.fault)?.fault?.message;
const commandOf = (name: string, words: string[], yaml?: string) => {
  const spec = find(name, yaml);
  const { argv, args } = parseProgramArguments(spec, words);
  return spec.script!.command(argv, args);
};

const PYTHON = 'settings: { python.root: /p, python.interpreter: /p/venv/bin/python }\n';

describe('the shipped programs', () => {
  it('are the scripts of the plan, and say what they need', () => {
    expect(load().map((one) => one.name)).toContain('python numeric-embeddings');
    const words = ['--start-date', '2024-01-01', '--end-date', '2024-12-31', '--limit', '10'];
    expect(() => commandOf('python numeric-embeddings', words)).toThrow(
      "'python numeric-embeddings' needs the setting python.interpreter",
    );
    expect(commandOf('python numeric-embeddings', words, PYTHON)).toEqual([
      '/p/venv/bin/python',
      '-m',
      'prometheus.scripts.backfill_numeric_embeddings_comprehensive',
      ...['--start-date', '2024-01-01', '--end-date', '2024-12-31', '--window-days', '63'],
      ...['--market', 'US_EQ', '--limit', '10'],
    ]);
    expect(find('python numeric-embeddings').script!.cwd()).toBe('/p');
  });

  it.each([
    'run_backtest_campaign',
    'backfill_numeric_embeddings_comprehensive',
    'backfill_opportunity_density',
    'run_opportunity_density_experiment',
    'backfill_text_embeddings',
    'backfill_joint_assessment_context',
  ])('cover %s of the plan', (script) => {
    const { python } = Object.groupBy(load(PYTHON), ({ name }) => (name.startsWith('python ') ? 'python' : 'other'));
    const words = python!.map((one) => one.script!.command([], {}).join(' '));
    expect(words.filter((command) => new RegExp(`scripts[./]${script}(\\.py)?( |$)`).test(command))).toHaveLength(1);
  });

  it('take arguments like the engines, and refuse like them', () => {
    const parse = (words: string[]) => parseProgramArguments(find('python numeric-embeddings', PYTHON), words);
    expect(() => parse(['--start-date', 'soon'])).toThrow('is not a date');
    expect(() => parse(['--limit', 'x'])).toThrow("--limit 'x' is not a number");
    expect(() => parse(['--nope'])).toThrow("unknown option '--nope'");
  });
});

describe('programs of one’s own', () => {
  const OWN = `
programs:
  nightly report:
    summary: writes the report
    phase: P1
    command: [/usr/bin/env, report, "--to={target}", "{arguments}"]
    arguments:
      target: { required: true }
      loud: { type: boolean, default: false }
      level: { type: choice, choices: [low, high], default: low }
    claims: [{ table: runtime.x, scope: target }]
`;

  it('are added, changed and taken away', () => {
    expect(commandOf('nightly report', ['--target', 'a b', '--loud'], OWN)).toEqual([
      '/usr/bin/env',
      'report',
      '--to=a b',
      ...['--target', 'a b', '--loud', '--level', 'low'],
    ]);
    expect(find('nightly report').claims).toMatchObject([{ table: 'runtime.x', scope: 'target' }]);
    expect(load('programs: { python tests: null }').map((one) => one.name)).not.toContain('python tests');
  });

  it('claim the same rows for a range given backwards', () => {
    const yaml =
      'programs: { x: { summary: s, phase: P1, command: [a, "{arguments}"], arguments: { from: { type: date }, to: { type: date } }, claims: [{ table: t, start: from, end: to }] } }';
    const claims = (from: string, to: string) => claimsOf(find('x', yaml), { from, to });
    expect(claims('2024-03-01', '2024-01-15')).toEqual(claims('2024-01-15', '2024-03-01'));
    expect(claims('2024-01-15', '2024-03-01')).toMatchObject([{ start: '2024-01-15', end: '2024-03-01' }]);
  });

  it.each([
    {
      spec: numericBackfillSpec as ProgramSpec,
      words: ['--start-date', '2014-01-01', '--end-date', '2014-01-31'],
      previews: ['--dry-run', '--explain'],
    },
    {
      spec: textBackfillSpec as ProgramSpec,
      words: ['--start', '2014-01-01', '--end', '2014-01-31', '--model-id', 'm'],
      previews: ['--dry-run'],
    },
  ])('of $spec.name claim no rows when they only count', ({ spec, words, previews }) => {
    const claims = (more: string[]) => claimsOf(spec, parseProgramArguments(spec, [...words, ...more]).args);
    expect(claims([])).toHaveLength(1);
    for (const flag of previews) expect(claims([flag])).toEqual([]);
  });

  it('leave out a word whose argument was not given', () => {
    const yaml =
      'programs: { x: { summary: s, phase: P1, command: [a, "--n={n}", z], arguments: { n: { type: integer } } } }';
    expect(commandOf('x', [], yaml)).toEqual(['a', 'z']);
    expect(commandOf('x', ['--n', '0'], yaml)).toEqual(['a', '--n=0', 'z']);
  });

  it.each([
    ['programs: { x: { summary: s, phase: P1 } }', 'programs.x.command'],
    ['programs: { x: { summary: s, phase: P9, command: [a] } }', 'programs.x.phase'],
    ['programs: { x: { summary: s, phase: P1, command: [a], typo: 1 } }', 'programs.x.typo: is not a setting'],
    ['programs: { "bad/name": { summary: s, phase: P1, command: [a] } }', 'is no name of a program'],
    [
      `programs: { x: { summary: s, phase: P1, command: [a], reading: { progress: ['('] } } }`,
      'is no regular expression',
    ],
    [`programs: { x: { summary: s, phase: P1, command: [a], reading: { rows: ['\\d+'] } } }`, 'named group (?<rows>'],
    ['programs: { x: { summary: s, phase: P1, command: [a], arguments: { Start: {} } } }', 'is no name of a flag'],
    ['programs: { x: { summary: s, phase: P1, command: [a, "{b}"] } }', 'names {b}, which is none of its arguments'],
    ['programs: { x: { summary: s, phase: P1, command: [a], arguments: { b: {} } } }', 'has no place for --b'],
    ['programs: { x: { summary: s, phase: P1, command: [a], cwd: "{b}" } }', 'may name settings only'],
    [
      'programs: { x: { summary: s, phase: P1, command: [a], claims: [{ table: t, start: b }] } }',
      'programs.x.claims.0.start: names b, which is none of its arguments',
    ],
  ])('%s is refused: %s', (yaml, message) => {
    expect(faultOf(yaml)).toContain(message);
    expect(faultOf(yaml)).toContain(`${path.join(root, 'programs.yaml')}:1: `);
  });

  it.each([
    ['programs: [', 'is not valid YAML'],
    ['programs: 5', 'programs: must be keys and values'],
    ['settings: { a: 5 }', 'settings.a: must be text'],
  ])('a file %s is refused: %s', (yaml, message) => {
    expect(() => load(yaml)).toThrow(message);
    expect(() => load(yaml)).toThrow(path.join(root, 'programs.yaml'));
  });

  it('go on when another one is wrongly described; that one is refused by its name', () => {
    const good = 'good: { summary: s, phase: P1, command: [a] }';
    const catalog = load(`programs:\n  ${good}\n  bad: { summary: s, command: [a] }\n  worse: 5\n`);
    expect(findProgram(catalog, 'good').summary).toBe('s');
    expect(findProgram(catalog, 'python tests').summary).not.toBe('');
    expect(() => findProgram(catalog, 'bad')).toThrow(
      'programs.yaml:3: programs.bad.phase: is missing; it must be one of P0, P1, P2, P3, P4, P5',
    );
    expect(() => findProgram(catalog, 'worse')).toThrow('programs.yaml:4: programs.worse: must be keys and values');
  });

  it('are told with the file that has them wrong, and can be mended in a later one', () => {
    const config = path.join(root, 'config');
    mkdirSync(path.join(config, 'prometheus'), { recursive: true });
    const users = path.join(config, 'prometheus', 'programs.yaml');
    writeFileSync(users, 'programs:\n  x: { summary: s, command: [a] }\n');
    const x = (yaml: string) => {
      writeFileSync(path.join(root, 'programs.yaml'), yaml);
      return loadPrograms(home, { XDG_CONFIG_HOME: config }).find((one) => one.name === 'x');
    };
    expect(x('programs: { y: null }')?.fault?.message).toContain(`${users}:2: programs.x.phase: is missing`);
    expect(x('programs: { x: { phase: P9 } }')?.fault?.message).toContain(`${root}/programs.yaml:1: `);
    expect(x('programs: { x: { phase: P1 } }')).toMatchObject({ phase: 'P1', summary: 's' });
    expect(x('programs: { x: null }')).toBeUndefined();
  });

  it('with a choice without choices, or a default of another type, are refused', () => {
    const argument = (text: string) =>
      faultOf(`programs: { x: { summary: s, phase: P1, command: [a, "{a}"], arguments: { a: ${text} } } }`);
    expect(argument('{ type: choice }')).toContain(
      'programs.yaml:1: programs.x.arguments.a.choices: a choice needs choices',
    );
    expect(argument('{ type: integer, default: x }')).toContain(
      'programs.yaml:1: programs.x.arguments.a.default: its default is not of its type',
    );
  });

  it('are refused with the line of what is wrong', () => {
    const head = 'programs:\n  x:\n    summary: s\n    phase: P1\n    command: [a]\n';
    expect(faultOf(`${head}    writes:\n      - t\n      - 5\n`)).toContain('programs.yaml:8: programs.x.writes.1');
    expect(faultOf(`${head}    typo: 1\n`)).toContain('programs.yaml:6: programs.x.typo: is not a setting');
    expect(faultOf('programs:\n  x:\n    summary: s\n    phase: P1\n')).toContain(
      'programs.yaml:3: programs.x.command',
    );
    expect(() => load(`${head}  y: [\n`)).toThrow(/programs\.yaml is not valid YAML.*line \d/s);
  });

  it('are told by the file when it is none; our own programs go on', () => {
    writeFileSync(path.join(root, 'programs.yaml'), 'programs: [');
    const catalogue = [numericBackfillSpec, ...catalogueOwn(home, { XDG_CONFIG_HOME: path.join(root, 'none') })];
    expect(findProgram(catalogue, numericBackfillSpec.name)).toBe(numericBackfillSpec);
    expect(() => findProgram(catalogue, 'mine')).toThrow(/programs\.yaml is not valid YAML/);
    expect(() => splitProgram(['mine', '--x'], catalogue)).toThrow(/programs\.yaml is not valid YAML/);
  });

  it('may have flags that our own commands all have; they are theirs then', () => {
    const yaml =
      'programs: { x: { summary: s, phase: P1, command: [a, "{arguments}"], arguments: { debug: { type: boolean }, help: {}, runtime: {} } } }';
    const { argv, args, environment } = parseProgramArguments(find('x', yaml), [
      '--debug',
      '--runtime',
      'r',
      '--help',
      'h',
    ]);
    expect({ argv, args, environment }).toEqual({
      argv: ['--debug', '--help', 'h', '--runtime', 'r'],
      args: { debug: true, help: 'h', runtime: 'r' },
      environment: {},
    });
  });

  it('are refused wrong arguments with the place of their help', () => {
    const own = find('nightly report', OWN);
    expect(() => parseProgramArguments(own, [])).toThrow(
      expect.objectContaining({ fix: 'See: prometheus job programs nightly report' }),
    );
  });

  it('have flags as they are written, also with digits', () => {
    const yaml =
      'programs: { x: { summary: s, phase: P1, command: [a, "{arguments}"], arguments: { top-5: { type: integer } } } }';
    expect(commandOf('x', ['--top-5', '3'], yaml)).toEqual(['a', '--top-5', '3']);
    expect(() => commandOf('x', ['--top-5', 'many'], yaml)).toThrow("--top-5 'many' is not a number");
  });

  it('have patterns that end on any line; one that might not is refused', () => {
    const entry = (text: string) =>
      `programs: { x: { summary: s, phase: P1, command: [a], reading: { fatal: ['${text}'] } } }`;
    const { reading } = load(entry('(a+)+$')).find(({ name }) => name === 'x')!.script!;
    expect(new LinePattern(reading.fatal[0]).test(`${'a'.repeat(200)}!`)).toBe(false);
    expect(faultOf(entry('(a+)+(?=b)'))).toMatch(/programs.x.reading.fatal.0: .* could take for ever/);
  });
});
