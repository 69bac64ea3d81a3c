/** Phase 4: its plan as commands that exist, and what its checks ask for. */
import { describe, expect, test } from 'vitest';
import { PROGRAMS } from '../../engines/catalog.ts';
import { parseArguments } from '../../src/cli/arguments.ts';
import { deriveBoard } from '../../src/phases/board.ts';
import { yearOf } from '../../src/phases/calendar.ts';
import { contextWindow, p4Commands } from '../../src/phases/checks/p4.ts';
import type { Evidence } from '../../src/phases/evidence.ts';
import { factsWith, greenEvidence, known, shippedNeed, valueIn } from '../helpers/phase-evidence.ts';

const need = shippedNeed();
const green = greenEvidence(need);

const check = (id: string, changes: Partial<Evidence> = {}) =>
  deriveBoard(factsWith(changes))
    .phases.flatMap((phase) => phase.checks)
    .find((one) => one.id === id)!;

describe('the plan of Phase 4', () => {
  const commands = p4Commands(need);

  test('is made of programs of this version, with flags that they have', () => {
    for (const { argv } of commands) {
      const spec = PROGRAMS.find(({ name }) => name.split(' ').every((word, k) => argv[k] === word));
      expect(spec, argv.join(' ')).toBeDefined();
      const { args } = parseArguments(spec!.name, spec!.args, argv.slice(spec!.name.split(' ').length));
      expect(args, argv.join(' ')).toBeDefined();
    }
  });

  test('goes through the five steps in order, each input before what reads it', () => {
    expect(commands.map(({ label }) => label)).toEqual([
      '1 texts of the news',
      '2 fit the encoders',
      '2 market and sector windows',
      '2 instrument windows',
      '2 regimes',
      '2 joint profiles',
      '2 joint regime context',
      '2 joint stability',
      '3 assessment contexts',
      '4 fit the head',
      '4 basic campaign',
      '4 context campaign',
      '5 compare',
    ]);
  });

  test('stays in order on the board, which names the step that mends the first open check', () => {
    const [p4] = deriveBoard(factsWith({ contextRuns: known([]) })).phases.filter(({ phase }) => phase === 'P4');
    expect(p4.commands).toEqual(commands);
    expect(p4.commands[p4.next].label).toBe('4 context campaign');
  });

  test('lets no model learn from a day that it is used on', () => {
    const flag = (label: string, name: string) => {
      const { argv } = commands.find((one) => one.label === label)!;
      return argv[argv.indexOf(name) + 1];
    };
    expect(flag('2 fit the encoders', '--train-end') < flag('2 joint profiles', '--start')).toBe(true);
    expect(flag('4 fit the head', '--train-end') < flag('4 context campaign', '--start')).toBe(true);
    expect(flag('4 basic campaign', '--start')).toBe(flag('4 context campaign', '--start'));
    expect(contextWindow(need)).toEqual({ start: '2017-01-01', end: '2024-12-31' });
  });

  test('fits a table of words on earlier news only, and keeps no vector of another fit', () => {
    const withTexts = (textModel: string) => p4Commands({ ...need, context: { ...need.context, textModel } });
    const [fit, texts] = withTexts('text-fin-static-v1');
    const flags = ['--model', 'text-fin-static-v1', '--train-end', '2014-12-31', '--replace'];
    expect(fit).toEqual({ label: '1 fit the table of words', argv: ['models', 'fit', ...flags] });
    expect(texts.argv).not.toContain('--skip-existing');
    expect(commands[0].argv).toContain('--skip-existing');
    expect(withTexts('text-fin-static-v1-2014')[0].argv.slice(-2)).toEqual(['--as', 'text-fin-static-v1-2014']);
  });

  test('names one text model, in every step that reads or writes news', () => {
    const named = p4Commands({ ...need, context: { ...need.context, textModel: 'text-fin-static-v1-2014' } }).flatMap(
      ({ label, argv }) =>
        argv.flatMap((word, k) => (word.startsWith('text-fin-static') ? [[label, argv[k - 1], word]] : [])),
    );
    expect(named.filter(([label]) => label !== '1 fit the table of words')).toEqual([
      ['1 texts of the news', '--model-id', 'text-fin-static-v1-2014'],
      ['2 joint regime context', '--text-model-id', 'text-fin-static-v1-2014'],
      ['3 assessment contexts', '--text-model-id', 'text-fin-static-v1-2014'],
    ]);
    // What has no flag for it reads no news: a default of its own would be another model than the chain's.
    const reading = PROGRAMS.filter(({ args }) => 'textModelId' in args.shape).map(({ name }) => name);
    expect(reading).toEqual(['backfill joint-regime-context', 'backfill joint-assessment-context']);
  });

  test('with v1 spaces needs no model of ours', () => {
    const jointModels = need.context.jointModels.map((model) => model.replace(/-v2$/, '-v1'));
    const labels = p4Commands({ ...need, context: { ...need.context, jointModels } });
    expect(labels.map(({ label }) => label)).not.toContain('4 fit the head');
    expect(labels.find(({ label }) => label === '4 context campaign')!.argv).toContain('assessment-context-v1');
  });
});

describe('P4.regime', () => {
  /** Every tenth day of 2020 has no news; joint regimes of a model that lacks `missing` days of that year. */
  const judged = (model: string, missing: number) => {
    const news = valueIn(green.news).filter(({ day }) => yearOf(day) !== 2020 || day % 10 !== 0);
    const joint = valueIn(green.joint)
      .filter((cell) => cell.model === 'joint-regime-core-v2')
      .map((cell) => ({ ...cell, model, vectors: cell.vectors - (cell.year === 2020 ? missing : 0) }));
    const facts = factsWith({ news: known(news), joint: known(joint) });
    const context = { ...need.context, jointModels: [model] };
    return deriveBoard({ ...facts, need: { ...need, context } })
      .phases.flatMap((phase) => phase.checks)
      .find(({ id }) => id === 'P4.regime')!;
  };
  const { days } = valueIn(green.gaps).calendar;
  const silent = days.filter((day) => yearOf(day) === 2020 && day % 10 === 0).length;

  test('asks for no row of v1 on a day without news, for one of v2 on every trading day', () => {
    expect(silent).toBeGreaterThan(20);
    const v1 = judged('joint-regime-core-v1', silent);
    expect(v1).toMatchObject({ state: 'OK', required: expect.stringContaining('trading days with prices and news') });
    expect(v1.observed).toContain(
      `${(days.filter((day) => yearOf(day) >= 2015).length - silent).toLocaleString('en-US')} of`,
    );
    expect(judged('joint-regime-core-v1', silent + 60)).toMatchObject({ state: 'PART' });
    const v2 = judged('joint-regime-core-v2', silent + 20);
    expect(v2).toMatchObject({ state: 'PART', required: expect.not.stringContaining('news') });
  });
});

describe('P4.runs', () => {
  test('wants runs of both backends over the same days', () => {
    expect(check('P4.runs').state).toBe('OK');
    const runs = valueIn(green.contextRuns);
    const only = (backend: string) => known(runs.filter((run) => run.backend === backend));
    expect(check('P4.runs', { contextRuns: only('basic') })).toMatchObject({
      state: 'PART',
      fix: expect.stringContaining('--assessment-backend context'),
    });
    expect(check('P4.runs', { contextRuns: only('context') }).fix).not.toContain('--assessment-backend');
    expect(check('P4.runs', { contextRuns: known([]) }).state).toBe('WAIT');
  });
});

describe('P4.comparison', () => {
  const row = valueIn(green.comparison)!;
  const recording = (changes: object) => {
    const pairs = (row.observed!.pairs as object[]).map((pair, k) => (k === 1 ? { ...pair, ...changes } : pair));
    return check('P4.comparison', { comparison: known({ ...row, observed: { ...row.observed, pairs } }) });
  };

  test('wants every branch in the contexts, and no coverage that nobody has counted', () => {
    const branches = { profile: 1, regime: 1, stab: 1, text: 1 };
    expect(recording({ context_branches: { ...branches, text: 0 } })).toMatchObject({
      state: 'PART',
      reason: expect.stringContaining('The text branch in the contexts of 0 %'),
      fix: expect.stringContaining('backfill text-embeddings'),
    });
    expect(recording({ context_branches: { ...branches, profile: 0.7 } })).toMatchObject({
      state: 'PART',
      fix: expect.stringContaining('backfill joint-profiles'),
    });
    // Names that are younger than the window of a profile have none.
    expect(recording({ context_branches: { ...branches, profile: 0.96 } }).state).toBe('OK');
    for (const changes of [{ context_branches: null }, { context_coverage: null }]) {
      expect(recording(changes)).toMatchObject({ state: 'PART', reason: expect.stringContaining('do not say') });
    }
  });

  test('is the verdict on the newest runs, made on equal terms', () => {
    expect(check('P4.comparison')).toMatchObject({ state: 'OK' });
    expect(check('P4.comparison').observed).toContain('No evidence that context differs');
    expect(check('P4.comparison', { comparison: known(null) })).toMatchObject({ state: 'WAIT', fix: 'compare' });
    const covered = (share: number) => recording({ context_coverage: share });
    expect(covered(0.995).state).toBe('OK');
    expect(covered(0.6)).toMatchObject({
      state: 'PART',
      reason: expect.stringContaining('A context for 60.00 %'),
      fix: expect.stringContaining('backfill joint-assessment-context'),
    });
    const unequal = { ...row, state: 'PART', reason: '1 of 3 pairs differ by more than the assessment: data' } as const;
    expect(check('P4.comparison', { comparison: known(unequal) })).toMatchObject({ state: 'PART' });
    expect(check('P4.comparison', { comparison: known({ ...row, observed: { pairs: [] } }) })).toMatchObject({
      state: 'STALE',
      fix: 'compare',
    });
  });

  test('says what is not compared as it is: newer runs, other runs, runs without another side', () => {
    const pairs = valueIn(green.pairs);
    const others = known({ ...row, observed: { ...row.observed, pairs: [{ run_ids: ['x', 'y'] }] } });
    const newer = pairs.map((pair, k) => (k === 0 ? { ...pair, context: 'later', createdAt: row.at + 1 } : pair));
    expect(check('P4.comparison', { pairs: known(newer) }).reason).toMatch(/newer runs of US_CORE_LONG_EQ_H5\.$/i);
    // The runs are older than a comparison of others.
    expect(check('P4.comparison', { comparison: others })).toMatchObject({
      state: 'STALE',
      reason: expect.stringMatching(/is of other runs than these of/),
      fix: 'compare',
    });
    expect(check('P4.comparison', { pairs: known(pairs.slice(1)) })).toMatchObject({
      state: 'PART',
      reason: expect.stringMatching(/no basic and context run of US_CORE_LONG_EQ_H5 over the same days/i),
      fix: expect.stringContaining('backtest campaign'),
    });
  });
});
