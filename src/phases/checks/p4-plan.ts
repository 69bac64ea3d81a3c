/** Phase 4's plan: the commands of its steps, and the models that they name. */
import { formatDay, parseDay } from '../../platform/dates.ts';
import { campaignArgvOver } from '../campaign.ts';
import type { Requirements } from '../config.ts';
import type { PhaseCommand } from '../types.ts';
import type { JoinedModel } from './join-order.ts';
import { stem } from './share.ts';

type Command = (need: Requirements) => string[];

/** The days on which both backends are run: after the last one that the head may learn from. */
export const contextWindow = ({ context }: Requirements): { start: string; end: string } => ({
  start: formatDay(parseDay(context.headEnd) + 1),
  end: context.end,
});

export const isV2 = (model: string) => model.endsWith('-v2');
/** The joint model of a kind that the configuration names. */
const jointModel = ({ context }: Requirements, kind: string) => context.jointModels.find((one) => stem(one) === kind);
export const usesV2 = ({ context }: Requirements) => context.jointModels.some(isV2);

/** A table of words is fitted on the news before the days that it is used on; other text models are installed. */
const STATIC_TEXT = 'text-fin-static-v1';
export const fitsTexts = ({ context }: Requirements) => context.textModel.startsWith(STATIC_TEXT);
const fitTexts: Command = ({ context }) => [
  ...['models', 'fit', '--model', STATIC_TEXT, '--train-end', formatDay(parseDay(context.start) - 1), '--replace'],
  ...(context.textModel === STATIC_TEXT ? [] : ['--as', context.textModel]),
];

/** Calendar days of news that a context sees, the day itself included: the default of `backfill joint-assessment-context`. */
const NEWS_DAYS = 7;

export const texts: Command = (need) => {
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

export const jointArgv = (need: Requirements, kind: string): string[] => {
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
export const basicCampaign: Command = (need) => campaignArgvOver(need, contextWindow(need));
/** What the plan's context runs assess by: the head that is fitted goes with v2 vectors; those of v1 have the original's formula. */
export const assessmentModels = (need: Requirements): { contexts: string; head: string } => {
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
export const COMPARE = ['compare'];

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

/** What vectors of a joint model are joined of, by the models that the configuration names. */
export function joinedModels(need: Requirements, model: string): JoinedModel[] {
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
