/** What differs between two runs besides their figures, and whether that leaves one cause. Pure. */
import type { Difference, DifferenceKind } from '../report/types.ts';

export type Config = Readonly<Record<string, unknown>>;

/** Keys that name the code; equal builds make the others no difference. */
export const CODE = ['git_sha', 'git_dirty', 'build', 'version'];
const DATA = ['data_fingerprint', 'price_rows', 'instruments'];
const PERIOD = ['start_date', 'end_date'];
/** Names and bookkeeping: they change no figure. */
const NAMES = [
  'sleeve_id',
  'strategy_id',
  'universe_id',
  'portfolio_id',
  'assessment_strategy_id',
  'campaign_id',
  'persist',
  'demo',
  'sweep',
];
/** Says again what fill and costs say. */
const REPEATED = ['caveat'];
/** Keys that are no difference between two runs. */
export const NO_DIFFERENCE = [...NAMES, ...REPEATED];

/** The choice that a key of the configuration belongs to. */
function choiceOf(key: string): string {
  if (key === 'assessment_horizon_days') return 'horizon';
  if (key.startsWith('assessment_') || key.startsWith('context_')) return 'assessment';
  if (key.startsWith('lambda_')) return 'lambda';
  if (key.startsWith('regime_')) return 'regime';
  return key;
}

const kindOf = (key: string): DifferenceKind =>
  CODE.includes(key) ? 'code' : DATA.includes(key) ? 'data' : PERIOD.includes(key) ? 'period' : 'config';
const ORDER: readonly DifferenceKind[] = ['code', 'data', 'period', 'config'];

const DEFAULTS: Config = { assessment_backend: 'basic' };
const setting = (config: Config, key: string): unknown => config[key] ?? DEFAULTS[key] ?? null;

/** Canonical text of a JSON value: the order of keys does not matter. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([x], [y]) => (x < y ? -1 : 1));
  return `{${entries.map(([key, one]) => `${JSON.stringify(key)}:${canonical(one)}`).join(',')}}`;
}

/** Every key that differs: code first, then data, period, choices, names. */
export function differencesOf(a: Config, b: Config): Difference[] {
  const keys = [...new Set([...CODE, ...DATA, ...PERIOD, ...Object.keys(a), ...Object.keys(b)])];
  const sameCode = codeOf(a, b) === 'same';
  return keys
    .filter((key) => !REPEATED.includes(key) && canonical(setting(a, key)) !== canonical(setting(b, key)))
    .map((key): Difference => {
      const kind = kindOf(key);
      const given = { kind, name: key, a: setting(a, key), b: setting(b, key) };
      // The same build from another commit, or with other uncommitted files, is the same code.
      if (NAMES.includes(key) || (kind === 'code' && sameCode)) return given;
      return { ...given, cause: kind === 'config' ? choiceOf(key) : kind };
    })
    .sort((x, y) => ORDER.indexOf(x.kind) - ORDER.indexOf(y.kind) || Number(!x.cause) - Number(!y.cause));
}

type Origin = 'same' | 'differs' | 'unknown';

/** Equal builds are equal code; without builds a clean commit is. */
function codeOf(a: Config, b: Config): Origin {
  if (a.build && b.build) return a.build === b.build ? 'same' : 'differs';
  if (!a.git_sha || !b.git_sha) return 'unknown';
  if (a.git_sha !== b.git_sha) return 'differs';
  return a.git_dirty === false && b.git_dirty === false ? 'same' : 'unknown';
}

/** Choices that decide which columns and days of the prices a run reads. */
const READING = ['fill', 'price_field', 'transition_history', ...PERIOD];

/** A fingerprint is of what a run has read: those of runs that read other columns or days say nothing about the rest. */
function dataOf(a: Config, b: Config): Origin {
  if (!a.data_fingerprint || !b.data_fingerprint) return 'unknown';
  if (a.data_fingerprint === b.data_fingerprint) return 'same';
  const alike = READING.every((key) => canonical(setting(a, key)) === canonical(setting(b, key)));
  return alike ? 'differs' : 'unknown';
}

export interface Attribution {
  /** `code`, `data`, `period`, or the one choice that differs; null otherwise. */
  readonly isolates: string | null;
  readonly sentence: string;
}

const causesOf = (differences: readonly Difference[]): string[] => [
  ...new Set(differences.flatMap(({ cause }) => cause ?? [])),
];

/** Of code and data those that may differ or not: the runs do not say. */
const unknownOf = (a: Config, b: Config): string[] => [
  ...(codeOf(a, b) === 'unknown' ? ['code'] : []),
  ...(dataOf(a, b) === 'unknown' ? ['data'] : []),
];

/** What a run may try against the baseline, as causes of a difference. */
const TRIED = ['assessment', 'lambda', 'regime'];

/** What stands between a run and a baseline on equal terms: what differs, or may, besides what the run tries. */
export const unequalTerms = (own: Config, baseline: Config): string[] => [
  ...new Set([
    ...unknownOf(own, baseline),
    ...causesOf(differencesOf(own, baseline)).filter((cause) => !TRIED.includes(cause)),
  ]),
];

/** Whether what differs leaves one cause for the difference of the figures. */
export function attribute(a: Config, b: Config, differences: readonly Difference[]): Attribution {
  const causes = causesOf(differences);
  const unknown = unknownOf(a, b);
  if (unknown.length > 0) {
    const rest = causes.filter((cause) => !unknown.includes(cause));
    const also = rest.length ? `; ${list(rest)} ${rest.length > 1 ? 'differ' : 'differs'}` : '';
    return {
      isolates: null,
      sentence: `Not attributable: it is not known whether ${list(unknown)} ${unknown.length > 1 ? 'are' : 'is'} the same${also}.`,
    };
  }
  if (causes.length === 0) return { isolates: null, sentence: 'Nothing differs: the runs should be the same.' };
  if (causes.length === 1)
    return { isolates: causes[0], sentence: `One cause is isolated: only ${causes[0]} differs.` };
  return { isolates: null, sentence: `Not attributable to one cause: ${list(causes)} differ.` };
}

const list = (words: readonly string[]): string =>
  words.length > 1 ? `${words.slice(0, -1).join(', ')} and ${words.at(-1)}` : (words[0] ?? '');
