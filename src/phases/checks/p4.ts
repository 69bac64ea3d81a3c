/** Phase 4: texts, joint spaces, runs by the context backend, and a comparison on equal terms. */
import { formatDay, parseDay } from '../../platform/dates.ts';
import { LEAST_HEAD_DAYS, LEAST_REGIME_DAYS } from '../../platform/least-training.ts';
import { LEAST_SHARED_DAYS, tooFewShared } from '../../platform/shared-days.ts';
import { campaignArgvOver, sleeveIds } from '../campaign.ts';
import { type CheckSpec, type Facts, figureOf, type Judgment, notOk, ok } from '../check.ts';
import type { Requirements } from '../config.ts';
import type { RunRow } from '../evidence.ts';
import { leastRows, vectorsByYear } from '../expectations.ts';
import type { PhaseCommand } from '../types.ts';
import { ageInDays, count, counted, percent, some } from '../words.ts';
import { dayCheck } from './days.ts';
import { type JoinedModel, newerInput } from './join-order.ts';
import { campaignRuns } from './p1.ts';
import { type ChainReads, inputsCheck } from './p4-inputs.ts';
import { judgeShare, span, stem } from './share.ts';

type Command = (need: Requirements) => string[];

/** The days on which both backends are run: after the last one that the head may learn from. */
export const contextWindow = ({ context }: Requirements): { start: string; end: string } => ({
  start: formatDay(parseDay(context.headEnd) + 1),
  end: context.end,
});

const isV2 = (model: string) => model.endsWith('-v2');
/** The joint model of a kind that the configuration names. */
const jointModel = ({ context }: Requirements, kind: string) => context.jointModels.find((one) => stem(one) === kind);
const usesV2 = ({ context }: Requirements) => context.jointModels.some(isV2);

/** A table of words is fitted on the news before the days that it is used on; other text models are installed. */
const STATIC_TEXT = 'text-fin-static-v1';
const fitsTexts = ({ context }: Requirements) => context.textModel.startsWith(STATIC_TEXT);
const fitTexts: Command = ({ context }) => [
  ...['models', 'fit', '--model', STATIC_TEXT, '--train-end', formatDay(parseDay(context.start) - 1), '--replace'],
  ...(context.textModel === STATIC_TEXT ? [] : ['--as', context.textModel]),
];

/** Calendar days of news that a context sees, the day itself included: the default of `backfill joint-assessment-context`. */
const NEWS_DAYS = 7;

const texts: Command = (need) => {
  const { context, market } = need;
  // The first contexts see the news of the days before them, and of the evening before those.
  const start = formatDay(parseDay(context.start) - NEWS_DAYS);
  return [
    ...['backfill', 'text-embeddings', '--model-id', context.textModel, '--start', start, '--end', context.end],
    // Vectors of an earlier fit may have seen later words: they do not stay beside those of this one.
    ...['--market', market, ...(fitsTexts(need) ? [] : ['--skip-existing'])],
  ];
};

/** The backfills of joint models by kind, in the order in which they read each other. */
const JOINT_COMMANDS: Readonly<Record<string, string>> = {
  profile: 'joint-profiles',
  regime: 'joint-regime-context',
  stab: 'joint-stab-fragility',
  assessment: 'joint-assessment-context',
};

/** Kinds that the news goes into; the others name no text model. */
const READS_NEWS = ['regime', 'assessment'];

const jointArgv = (need: Requirements, kind: string): string[] => {
  const { context, market } = need;
  const model = jointModel(need, kind);
  return [
    ...['backfill', JOINT_COMMANDS[kind] ?? JOINT_COMMANDS.assessment, ...(model ? ['--model-id', model] : [])],
    ...['--start', context.start, '--end', context.end, '--market-id', market],
    ...(READS_NEWS.includes(kind) ? ['--text-model-id', context.textModel] : []),
  ];
};

/** Numeric models that v2 spaces are joined of. */
const ENCODERS = ['num-profile-core-v2', 'num-stab-core-v2'];
const REGIME_ENCODER = 'num-regime-core-v2';

const fitEncoders: Command = ({ context, market }) => [
  ...['models', 'fit', ...[...ENCODERS, REGIME_ENCODER].flatMap((model) => ['--model', model])],
  ...['--train-start', context.encoderStart, '--train-end', context.encoderEnd, '--market', market, '--replace'],
];
const numeric = (models: readonly string[], start: string, { context, market }: Requirements): string[] => [
  ...['backfill', 'numeric-embeddings', ...models.flatMap((model) => ['--models', model])],
  ...['--start-date', start, '--end-date', context.end, '--market', market],
];
const regimes: Command = ({ context, market }) => [
  ...['backfill', 'regime', '--market', market, '--start', context.start, '--end', context.end],
];
const fitHead: Command = ({ context, market }) => [
  ...['models', 'fit', '--model', 'assessment-context-v2', '--train-start', context.start],
  ...['--train-end', context.headEnd, '--market', market, '--replace'],
];
const basicCampaign: Command = (need) => campaignArgvOver(need, contextWindow(need));
/** What the plan's context runs assess by: the head that is fitted goes with v2 vectors; those of v1 have the original's formula. */
const assessmentModels = (need: Requirements): { contexts: string; head: string } => {
  const contexts = jointModel(need, 'assessment') ?? 'joint-assessment-context-v2';
  return { contexts, head: isV2(contexts) ? 'assessment-context-v2' : 'assessment-context-v1' };
};
/** The plan's campaign by the context backend. */
export const contextCampaign: Command = (need) => {
  const { contexts, head } = assessmentModels(need);
  return [
    ...basicCampaign(need),
    ...['--assessment-backend', 'context', '--assessment-context-model-id', contexts, '--assessment-model-id', head],
  ];
};
const COMPARE = ['compare'];

/** The plan's five steps (§7), in order; v2 spaces need their models fitted first. */
export function p4Commands(need: Requirements): PhaseCommand[] {
  const v2 = usesV2(need);
  const step = (label: string, argv: string[]): PhaseCommand => ({ label, argv });
  return [
    ...(fitsTexts(need) ? [step('1 fit the table of words', fitTexts(need))] : []),
    step('1 texts of the news', texts(need)),
    ...(v2
      ? [
          step('2 fit the encoders', fitEncoders(need)),
          step('2 market and sector windows', numeric([REGIME_ENCODER], need.context.encoderStart, need)),
          step('2 instrument windows', numeric(ENCODERS, need.context.start, need)),
          step('2 regimes', regimes(need)),
        ]
      : []),
    step('2 joint profiles', jointArgv(need, 'profile')),
    step('2 joint regime context', jointArgv(need, 'regime')),
    step('2 joint stability', jointArgv(need, 'stab')),
    step('3 assessment contexts', jointArgv(need, 'assessment')),
    ...(v2 ? [step('4 fit the head', fitHead(need))] : []),
    step('4 basic campaign', basicCampaign(need)),
    step('4 context campaign', contextCampaign(need)),
    step('5 compare', COMPARE),
  ];
}

/**
 * Days with prices before the first vector of a market: a name counts once its window has its least rows, and the market's window has
 * as many days of such names.
 */
const BEFORE_REGIME_VECTORS = 2 * (leastRows(63) - 1);

/** The days of prices and news that these commands read. */
function chainReads(need: Requirements): ChainReads {
  const { start, end, encoderStart, encoderEnd, headEnd } = need.context;
  const used = { what: 'contexts and comparison', start, end };
  return {
    prices: [...(usesV2(need) ? [{ what: 'encoders', start: encoderStart, end: encoderEnd }] : []), used],
    training: usesV2(need)
      ? [
          {
            what: 'the fit of regimes',
            ...{ start: encoderStart, end: encoderEnd, least: LEAST_REGIME_DAYS, after: BEFORE_REGIME_VECTORS },
          },
          { what: 'the head of the context backend', start, end: headEnd, least: LEAST_HEAD_DAYS, after: 0 },
        ]
      : [],
    news: [used],
    newsBefore: fitsTexts(need) ? start : null,
    textModel: fitsTexts(need) ? null : need.context.textModel,
  };
}

const fixed = (argv: readonly string[]) => argv.join(' ');

const judgeTexts = ({ evidence, need }: Facts): Judgment => {
  const { first, last } = span(need.context);
  const expected = new Map<number, number>();
  for (const one of figureOf(evidence.news)) {
    if (one.day < first || one.day > last) continue;
    const year = new Date(one.day * 86_400_000).getUTCFullYear();
    expected.set(year, (expected.get(year) ?? 0) + one.articles);
  }
  const model = need.context.textModel;
  const seen = vectorsByYear(figureOf(evidence.text), model);
  return judgeShare(model, 'article', seen, expected, need.context, { fix: fixed(texts(need)), note: '' });
};

const text: CheckSpec = {
  id: 'P4.text',
  title: 'text vectors of the news',
  required: ({ context: c }) => `≥ ${percent(c.minShare)} of articles ${c.start} → ${c.end} by ${c.textModel}`,
  looks: (evidence) => [evidence.text, evidence.news],
  judge: judgeTexts,
};

/** What vectors of a joint model are joined of, by the models that the configuration names. */
function joinedModels(need: Requirements, model: string): JoinedModel[] {
  const version = isV2(model) ? 'v2' : 'v1';
  const own = (of: string): JoinedModel => ({ model: `num-${of}-core-${version}`, daysBefore: 0 });
  const other = (of: string): JoinedModel[] => {
    const named = jointModel(need, of);
    return named ? [{ model: named, daysBefore: 0 }] : [];
  };
  const news = (daysBefore: number): JoinedModel => ({ model: need.context.textModel, daysBefore });
  switch (stem(model)) {
    case 'profile':
      return [own('profile'), own('regime')];
    case 'regime':
      return [own('regime'), news(0)];
    case 'stab':
      return [own('stab'), ...other('profile')];
    default:
      return [...other('profile'), ...other('stab'), ...other('regime'), news(NEWS_DAYS)];
  }
}

/** All models whose vectors the plan's contexts are, or are joined of. */
export const contextParts = (need: Requirements): string[] => {
  const { jointModels } = need.context;
  return [...new Set(jointModels.flatMap((one) => [one, ...joinedModels(need, one).map(({ model }) => model)]))];
};

/** Joint vectors of each day, none of them older than what it is joined of. */
function joint(model: string): CheckSpec {
  const counted = jointDays(model);
  return {
    ...counted,
    required: (need) => `${counted.required(need)}; none older than what it is joined of`,
    looks: (evidence) => [...counted.looks(evidence), evidence.contextParts],
    judge: (facts) => {
      const judged = counted.judge(facts);
      if (judged.state !== 'OK') return judged;
      const { evidence, need } = facts;
      const writes = figureOf(evidence.contextParts);
      const { first, last } = span(need.context);
      const days = figureOf(evidence.gaps).calendar.between(first, last);
      const newer = newerInput(model, joinedModels(need, model), writes, days);
      if (!newer) return judged;
      const at = new Date(newer.at).toISOString().slice(0, 16).replace('T', ' ');
      const reason = `a backfill wrote ${newer.model} (${at} UTC) after these vectors, which are joined of it, on days of ${formatDay(newer.first)} → ${formatDay(newer.last)}`;
      return notOk('STALE', judged.observed, reason, fixed(jointArgv(need, stem(model))), `older than ${newer.model}`);
    },
  };
}

const jointDays = (model: string): CheckSpec =>
  dayCheck({
    id: `P4.${stem(model)}`,
    title: `joint vectors of ${model}`,
    what: model,
    model,
    look: (evidence) => evidence.joint,
    // The original joins a day's regime with its news: a day without them has no row, and no backfill makes one.
    ofNewsDays: stem(model) === 'regime' && !isV2(model),
    limits: (need) => need.context,
    remedy: (need) => ({ fix: fixed(jointArgv(need, stem(model))), note: '' }),
  });

/** The newest complete run of each sleeve over the window, by backend. */
const pairedRuns = ({ evidence, need }: Facts): { basic: RunRow[]; context: RunRow[] } => {
  const runs = figureOf(evidence.contextRuns);
  const sleeves = sleeveIds(need);
  return { basic: campaignRuns(runs, sleeves), context: campaignRuns(runs, sleeves, 'context') };
};

const runs: CheckSpec = {
  id: 'P4.runs',
  title: 'runs by the context and the basic backend for each sleeve',
  required: (need) => {
    const { start, end } = contextWindow(need);
    return `${counted(need.campaign.sleeves.length, 'sleeve')} over ${start} → ${end}, with either backend`;
  },
  looks: (evidence) => [evidence.contextRuns],
  judge: (facts) => {
    const { need } = facts;
    const sleeves = sleeveIds(need);
    const found = pairedRuns(facts);
    const observed = `context ${count(found.context.length)}, basic ${count(found.basic.length)} of ${counted(sleeves.length, 'sleeve')}`;
    const sides = [
      ['context', contextCampaign(need)],
      ['basic', basicCampaign(need)],
    ] as const;
    for (const [backend, argv] of sides) {
      const lacking = sleeves.filter((sleeve) => !found[backend].some((run) => run.sleeveId === sleeve));
      if (lacking.length === 0) continue;
      const state = found.context.length + found.basic.length > 0 ? 'PART' : 'WAIT';
      return notOk(
        state,
        observed,
        `no complete ${backend} run of ${some(lacking)}`,
        fixed(argv),
        `no ${backend} run yet`,
      );
    }
    return ok(observed);
  },
};

/** A pair of the recorded comparison, as far as it is looked at. */
interface ComparedPair {
  readonly run_ids?: readonly string[];
  /** Days that both runs have. */
  readonly days?: number;
  readonly context_model?: string | null;
  readonly assessment_model?: string | null;
  readonly context_coverage?: number | null;
  readonly context_branches?: Readonly<Record<string, number>> | null;
}

type BranchShare = readonly [share: number, branch: string];

/** Shares of days and instruments with 63 days of prices that had a context (branch ''), and each of its branches; null when not recorded. */
const sharesOf = ({ context_coverage: coverage, context_branches: branches }: ComparedPair): BranchShare[] | null =>
  typeof coverage !== 'number' || !branches
    ? null
    : [[coverage, ''], ...Object.entries(branches).map(([branch, share]): BranchShare => [share, branch])];

/** The campaign that gives a sleeve's run its other side over the same days. */
function unpaired({ evidence, need }: Facts): string[] {
  const { start, end } = contextWindow(need);
  const over = figureOf(evidence.contextRuns).filter(
    (run) => run.complete && run.start === parseDay(start) && run.end === parseDay(end),
  );
  return over.some((run) => run.backend === 'context') ? basicCampaign(need) : contextCampaign(need);
}

/** Sleeves whose compared context run had read other contexts than those that stand there now. */
function runsBeforeContexts({ evidence }: Facts): string[] {
  const write = figureOf(evidence.contextWrite);
  if (write === null) return [];
  const created = new Map(figureOf(evidence.contextRuns).map((run) => [run.runId, run.createdAt]));
  return figureOf(evidence.pairs).flatMap(({ sleeveId, context }) =>
    (created.get(context) ?? 0) < Date.parse(write) ? [sleeveId] : [],
  );
}

const comparison: CheckSpec = {
  id: 'P4.comparison',
  title: 'context compared with basic, on equal terms',
  required: ({ context }) =>
    `the newest runs of every sleeve, which differ by their assessment alone (data, code, options, days), a context for ≥ ${percent(context.minShare)} of days and instruments, each of its branches for ≥ ${percent(context.branchShare)}`,
  looks: (evidence) => [evidence.comparison, evidence.pairs, evidence.contextRuns, evidence.contextWrite],
  judge: (facts): Judgment => {
    const { evidence, need, now } = facts;
    const row = figureOf(evidence.comparison);
    const fix = fixed(COMPARE);
    if (!row) return notOk('WAIT', 'none', 'context was never compared with basic', fix, 'not compared yet');
    const verdict = typeof row.observed?.verdict === 'string' ? row.observed.verdict : '';
    const pairs = Array.isArray(row.observed?.pairs) ? (row.observed.pairs as ComparedPair[]) : [];
    const observed = `${counted(pairs.length, 'pair')} · ${ageInDays(row.at, now)} · ${verdict}`;
    const wanted = figureOf(evidence.pairs);
    const lone = sleeveIds(need).filter((sleeve) => !wanted.some((pair) => pair.sleeveId === sleeve));
    if (lone.length > 0) {
      const reason = `no basic and context run of ${some(lone)} over the same days`;
      return notOk('PART', observed, reason, fixed(unpaired(facts)), 'runs make no pairs', row.at);
    }
    const left = wanted.filter(
      ({ basic, context }) => !pairs.some(({ run_ids: ids }) => ids?.includes(basic) && ids.includes(context)),
    );
    if (left.length > 0) {
      const sleeves = some(left.map((pair) => pair.sleeveId));
      // A comparison of other runs may be newer than these: it does not count, and they are not newer than it.
      const [reason, brief] = left.some((pair) => pair.createdAt > row.at)
        ? [`there are newer runs of ${sleeves}`, 'newer runs not compared']
        : [`the newest comparison is of other runs than these of ${sleeves}`, 'other runs compared'];
      return notOk('STALE', observed, reason, fix, brief, row.at);
    }
    if (row.state !== 'OK') {
      const reason = row.reason || `the comparison ended ${row.state}`;
      return notOk('PART', observed, reason, fixed(basicCampaign(need)), 'compared on unequal terms', row.at);
    }
    // Comparisons of earlier builds gave verdicts over fewer.
    const short = pairs.find(({ days }) => days !== undefined && days < LEAST_SHARED_DAYS);
    if (short) {
      const reason = `${tooFewShared(short.days!)}: name other days under context in phases.yaml`;
      return notOk('PART', observed, reason, fixed(basicCampaign(need)), 'too few shared days', row.at);
    }
    const { contexts, head } = assessmentModels(need);
    const other = pairs.find((pair) => pair.context_model !== contexts || pair.assessment_model !== head);
    if (other) {
      const used = [
        other.context_model ?? 'contexts of no recorded model',
        other.assessment_model ?? 'no recorded head',
      ];
      const reason = `a context run used ${used.join(' with ')}; the plan names ${contexts} with ${head}`;
      return notOk('PART', observed, reason, fixed(contextCampaign(need)), 'other models than planned', row.at);
    }
    const rewritten = runsBeforeContexts(facts);
    if (rewritten.length > 0) {
      const at = figureOf(evidence.contextWrite)!.slice(0, 16).replace('T', ' ');
      const reason = `a backfill wrote contexts of these days (${at} UTC) after the context runs of ${some(rewritten)}`;
      return notOk('STALE', observed, reason, fixed(contextCampaign(need)), 'contexts newer than the runs', row.at);
    }
    // A name without a context is HOLD with 0: a comparison over many of them is one with having no opinion. And a context
    // without one of its branches is another one than the plan's.
    const shares = pairs.map(sharesOf);
    if (shares.some((one) => one === null)) {
      const reason =
        'the context runs do not say how many days and instruments had a context, and what each was joined of';
      return notOk('PART', observed, reason, fixed(contextCampaign(need)), 'coverage not recorded', row.at);
    }
    const { minShare, branchShare } = need.context;
    const thin = shares.flatMap((one) => one ?? []).find(([share, of]) => share < (of ? branchShare : minShare));
    if (thin) {
      const [share, of] = thin;
      const reason = of
        ? `the ${of} branch in the contexts of ${percent(share)} of days and instruments with 63 days of prices only`
        : `a context for ${percent(share)} of days and instruments with 63 days of prices only; the others were held without an opinion`;
      const fix = fixed(of === 'text' ? texts(need) : jointArgv(need, of || 'assessment'));
      return notOk('PART', observed, reason, fix, of ? `${of} for some only` : 'context for some only', row.at);
    }
    return ok(observed, verdict, row.at);
  },
};

/** The checks of Phase 4: models come from the configuration. */
export const p4Checks = (need: Requirements): readonly CheckSpec[] => [
  inputsCheck(chainReads, (facts) => judgeTexts(facts).state === 'OK'),
  text,
  ...need.context.jointModels.map(joint),
  runs,
  comparison,
];
