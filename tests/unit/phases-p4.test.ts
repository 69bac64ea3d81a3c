/** Phase 4: its plan as commands that exist, and what its checks ask for. */
import { describe, expect, test } from 'vitest';
import { LEARNT_FIRST, leastJudged } from '../../engines/assessment/head.model.ts';
import { PROGRAMS } from '../../engines/catalog.ts';
import { parseArguments } from '../../src/cli/arguments.ts';
import { deriveBoard } from '../../src/phases/board.ts';
import { yearOf } from '../../src/phases/calendar.ts';
import { contextWindow, p4Commands } from '../../src/phases/checks/p4-plan.ts';
import type { Evidence } from '../../src/phases/evidence.ts';
import { formatDay, parseDay } from '../../src/platform/dates.ts';
import { LEAST_HEAD_DAYS } from '../../src/platform/least-training.ts';
import { factsWith, greenEvidence, HOLIDAYS, known, shippedNeed, unknown, valueIn } from '../helpers/phase-evidence.ts';

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

describe('P4.inputs', () => {
  const prices = valueIn(green.prices);
  const news = valueIn(green.news);
  const judged = (changes: Partial<Evidence>, context: Partial<typeof need.context> = {}) => {
    const facts = { ...factsWith(changes), need: { ...need, context: { ...need.context, ...context } } };
    const p4 = deriveBoard(facts).phases.find(({ phase }) => phase === 'P4')!;
    return { ...p4.checks.find(({ id }) => id === 'P4.inputs')!, phase: p4 };
  };
  const on = (date: string) => parseDay(date);
  const pricesFrom = (date: string) => known({ ...prices, first: on(date) });
  const pricesTo = (date: string) => known({ ...prices, last: on(date) });
  const newsBut = (from: string, to: string) => known(news.filter(({ day }) => day < on(from) || day > on(to)));

  test('is OK where each span is covered, quiet days and a day or two without prices allowed', () => {
    expect(judged({})).toMatchObject({
      state: 'OK',
      observed: 'prices 1997-01-02 → 2024-12-31 · news 2015-01-01 → 2024-12-31',
      required:
        'holidays and prices for encoders (2010-01-01 → 2014-12-31) and contexts and comparison (2015-01-01 → 2024-12-31), at most 4 trading days in a row without any; news for contexts and comparison (2015-01-01 → 2024-12-31), at most 31 days in a row without any; the fit of regimes (2010-01-01 → 2014-12-31) asks for 252 trading days with prices, after 106 earlier ones; the head of the context backend (2015-01-01 → 2016-12-31) asks for 191 trading days with prices; text-fin-general-v1, or its vectors',
      phase: { state: 'OK', blockedBy: [] },
    });
    expect(judged({ prices: pricesTo('2024-12-26') }).state).toBe('OK');
    expect(judged({ news: newsBut('2018-03-01', '2018-03-31') }).state).toBe('OK');
    expect(judged({ news: known(news.filter(({ day }) => day % 30 === 0)) }).state).toBe('OK');
  });

  test('names the days that the encoders and the comparison lack, what reads them, and the import', () => {
    const early = judged({ prices: pricesFrom('2010-01-11') });
    expect(early).toMatchObject({ state: 'PART', fix: 'data import --instruments FILE --holidays FILE --prices PATH' });
    expect(early.reason).toBe(
      'Encoders (2010-01-01 → 2014-12-31) lack prices 2010-01-04 → 2010-01-08 (5 trading days). Import what lacks, or name other days under context in phases.yaml.',
    );
    const late = judged({ prices: pricesTo('2024-08-26'), news: newsBut('2016-09-01', '2024-12-31') });
    expect(late.observed).toBe('prices 1997-01-02 → 2024-08-26 · news 2015-01-01 → 2016-08-31');
    expect(late.reason).toContain(
      'lack prices 2024-08-27 → 2024-12-31 (91 trading days); contexts and comparison (2015-01-01 → 2024-12-31) lack news 2016-09-01 → 2024-12-31 (3,044 days)',
    );
    expect(late.fix).toBe('data import --instruments FILE --holidays FILE --prices PATH --news PATH');
    expect(late.phase).toMatchObject({
      state: 'BLKD',
      headline: 'inputs lack prices and news',
      blockedBy: [`P4.inputs PART: ${late.reason} Use: prometheus ${late.fix}.`],
    });
  });

  test('asks for the days that regimes and the head are fitted on, as their programs do', () => {
    expect(LEAST_HEAD_DAYS).toBe(LEARNT_FIRST + leastJudged(21) + 21);
    const days = (from: string, least: number) => {
      const { calendar } = valueIn(green.gaps);
      return formatDay(calendar.between(on(from), on('2024-12-31'))[least - 1]);
    };
    const first = { encoderStart: '2013-01-02' };
    expect(judged({}, { ...first, encoderEnd: days('2013-01-02', 252) }).state).toBe('OK');
    const short = judged({}, { ...first, encoderEnd: days('2013-01-02', 251) });
    expect(short).toMatchObject({ state: 'PART', fix: null, phase: { headline: 'inputs lack days of training' } });
    expect(short.reason).toMatch(
      /^The fit of regimes \(2013-01-02 → .*\) asks for 252 trading days with prices, after 106 earlier ones: there are 251\. Name other days under context in phases\.yaml\.$/,
    );
    // Prices that begin with the span: the first vectors come with the 107th day.
    const from = { encoderStart: '2010-01-04', encoderEnd: days('2010-01-04', 357) };
    expect(judged({ prices: pricesFrom('2010-01-04') }, from).reason).toContain('there are 251');
    expect(judged({ prices: pricesFrom('2010-01-04') }, { ...from, encoderEnd: days('2010-01-04', 358) }).state).toBe(
      'OK',
    );
    expect(judged({}, { headEnd: days('2015-01-01', 191) }).state).toBe('OK');
    expect(judged({}, { headEnd: days('2015-01-01', 190) }).reason).toContain(
      '191 trading days with prices: there are 190',
    );
  });

  test('sees holes inside a span, not those outside of all of them', () => {
    const { days } = valueIn(green.gaps).calendar;
    const without = (from: string, to: string) =>
      judged({
        gaps: known({ ...valueIn(green.gaps), emptyDays: [...days].filter((day) => day >= on(from) && day <= on(to)) }),
      });
    expect(without('2009-01-01', '2009-12-31').state).toBe('OK');
    expect(without('2012-06-04', '2012-06-08').reason).toContain('prices 2012-06-04 → 2012-06-08 (5 trading days)');
    expect(without('2012-06-04', '2012-06-07').state).toBe('OK');
    expect(judged({ news: newsBut('2018-03-01', '2018-04-01') }).reason).toContain(
      'news 2018-03-01 → 2018-04-01 (32 days)',
    );
  });

  test('needs holidays, and news before the first day where a table of words is fitted', () => {
    const holidays = known(HOLIDAYS.filter((day) => day < on('2020-06-01')));
    expect(judged({ holidays })).toMatchObject({
      state: 'PART',
      reason: expect.stringContaining('lack a holiday row within 400 days of 2021-02-05 → 2024-12-31 (1,426 days)'),
      fix: 'data import --holidays FILE',
    });
    const context = { textModel: 'text-fin-static-v1' };
    expect(judged({}, context)).toMatchObject({
      state: 'PART',
      reason: expect.stringContaining('There is no news before 2015-01-01 to fit the table of words on'),
      fix: 'data import --news PATH',
    });
    const before = known([{ day: on('2014-12-31'), articles: 1 }, ...news]);
    expect(judged({ news: before }, context).state).toBe('OK');
  });

  test('wants the text model installed, unless every text has its vector or the chain fits one', () => {
    const absent = { textModel: known(false) };
    expect(judged(absent).state).toBe('OK');
    const found = judged({ ...absent, text: known([]) });
    expect(found).toMatchObject({
      state: 'PART',
      observed: expect.stringMatching(/ · no text-fin-general-v1$/),
      reason: expect.stringContaining('text-fin-general-v1 is not installed here'),
      fix: 'models install text-fin-general-v1 --from hub',
    });
    expect(found.phase).toMatchObject({ state: 'BLKD', headline: 'text-fin-general-v1 is not installed' });
    expect(judged({ text: known([]) }).state).toBe('OK');
    const early = known([{ day: on('2014-12-31'), articles: 1 }, ...news]);
    const fitted = judged({ ...absent, text: known([]), news: early }, { textModel: 'text-fin-static-v1' });
    expect(fitted).toMatchObject({ state: 'OK', required: expect.not.stringContaining('text-fin') });
  });

  test('asks v1 spaces for no days of encoders', () => {
    const jointModels = need.context.jointModels.map((model) => model.replace(/-v2$/, '-v1'));
    expect(judged({ prices: pricesFrom('2015-01-02') }).state).toBe('PART');
    expect(judged({ prices: pricesFrom('2015-01-02') }, { jointModels }).state).toBe('OK');
  });

  test('waits where nothing is there, and does not know what cannot be read', () => {
    const empty = { ...prices, rows: 0, first: null, last: null, instruments: 0, cells: [] };
    expect(judged({ prices: known(empty), news: known([]) })).toMatchObject({
      state: 'WAIT',
      observed: 'prices none · news none',
    });
    const found = judged({ news: unknown('the server is gone', 'db start') });
    expect(found).toMatchObject({ state: 'UNKN', observed: '–' });
    expect(found.phase).toMatchObject({
      state: 'UNKN',
      blockedBy: expect.arrayContaining(['P4.inputs UNKN: The server is gone. Use: prometheus db start.']),
    });
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

  test('is of runs by the models that the plan names, made after their contexts', () => {
    expect(recording({ assessment_model: 'assessment-context-v1' })).toMatchObject({
      state: 'PART',
      reason: expect.stringMatching(/joint-assessment-context-v2 with assessment-context-v1; the plan names/),
      fix: expect.stringContaining('--assessment-model-id assessment-context-v2'),
    });
    expect(recording({ context_model: undefined }).state).toBe('PART');
    const created = Math.max(...valueIn(green.contextRuns).map(({ createdAt }) => createdAt));
    const written = (at: number) => check('P4.comparison', { contextWrite: known(new Date(at).toISOString()) });
    expect(written(created - 1).state).toBe('OK');
    expect(written(created + 60_000)).toMatchObject({
      state: 'STALE',
      reason: expect.stringMatching(/wrote contexts of these days .* after the context runs of US_CORE_LONG_EQ_H5/),
      fix: expect.stringContaining('--assessment-backend context'),
    });
  });

  test('is none over fewer than 63 shared days, whoever recorded it', () => {
    expect(recording({ days: 63 }).state).toBe('OK');
    expect(recording({ days: 62 })).toMatchObject({
      state: 'PART',
      reason: expect.stringContaining('62 shared days are too few (63 are asked for)'),
    });
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

describe('joint vectors and what they are joined of', () => {
  const day = (date: string) => parseDay(date);
  const write = (model: string, first: string, last: string, at: number, addsOnly = false) => ({
    ...{ model, first: day(first), last: day(last), at, addsOnly },
  });
  /** A chain's writes in its order, a second after each other. */
  const chain = [
    write('text-fin-general-v1', '2014-12-25', '2024-12-31', 1000),
    ...['num-regime-core-v2', 'num-profile-core-v2', 'num-stab-core-v2'].map((model, k) =>
      write(model, '2015-01-01', '2024-12-31', 2000 + k),
    ),
    write('joint-profile-core-v2', '2015-01-01', '2024-12-31', 3000),
    write('joint-regime-core-v2', '2015-01-01', '2024-12-31', 4000),
    write('joint-stab-fragility-v2', '2015-01-01', '2024-12-31', 5000),
    write('joint-assessment-context-v2', '2015-01-01', '2024-12-31', 6000),
  ];
  const states = (...more: ReturnType<typeof write>[]) => {
    const changed = { contextParts: known([...chain, ...more]) };
    return ['profile', 'regime', 'stab', 'assessment'].map((kind) => check(`P4.${kind}`, changed).state);
  };

  test('are OK in the order of the plan, and where no backfill is on record', () => {
    expect(states()).toEqual(['OK', 'OK', 'OK', 'OK']);
    expect(check('P4.assessment', { contextParts: known([]) }).state).toBe('OK');
    // Of days before and after those of the plan.
    expect(states(write('num-stab-core-v2', '2025-01-01', '2025-06-30', 9000))).toEqual(['OK', 'OK', 'OK', 'OK']);
  });

  test('are STALE where that was written again after them, until they are', () => {
    expect(states(write('num-profile-core-v2', '2016-03-01', '2016-03-31', 9000))).toEqual(['STALE', 'OK', 'OK', 'OK']);
    const news = write('text-fin-general-v1', '2024-12-31', '2024-12-31', 9000);
    expect(states(news)).toEqual(['OK', 'STALE', 'OK', 'STALE']);
    expect(check('P4.regime', { contextParts: known([...chain, news]) })).toMatchObject({
      reason:
        'A backfill wrote text-fin-general-v1 (1970-01-01 00:00 UTC) after these vectors, which are joined of it, on days of 2024-12-31 → 2024-12-31.',
      fix: expect.stringContaining('backfill joint-regime-context --model-id joint-regime-core-v2'),
    });
    const regime = write('joint-regime-core-v2', '2024-12-31', '2024-12-31', 10_000);
    expect(states(news, regime)).toEqual(['OK', 'OK', 'OK', 'STALE']);
    const context = write('joint-assessment-context-v2', '2024-12-31', '2024-12-31', 11_000);
    expect(states(news, regime, context)).toEqual(['OK', 'OK', 'OK', 'OK']);
    // Vectors that stood there are left as they were.
    expect(states(news, regime, { ...context, addsOnly: true })).toEqual(['OK', 'OK', 'OK', 'STALE']);
  });

  test('shards that are cut otherwise leave no day between them', () => {
    // Friday and Monday: an earlier shard lay over the days between.
    const numeric = write('num-profile-core-v2', '2015-01-01', '2024-12-31', 9000);
    const parts = [
      write('joint-profile-core-v2', '2015-01-01', '2015-01-09', 9001),
      write('joint-profile-core-v2', '2015-01-12', '2024-12-31', 9002),
    ];
    expect(states(numeric, ...parts)[0]).toBe('OK');
  });

  test('a context sees the news of the week before it', () => {
    const late = (date: string) => states(write('text-fin-general-v1', date, date, 9000))[3];
    expect([late('2014-12-25'), late('2014-12-26'), late('2024-12-31')]).toEqual(['OK', 'STALE', 'STALE']);
  });
});
