/** What a check is: looks it needs, a judgment over them, and the result made of both. Pure. */

import type { Phase } from '../platform/program.ts';
import type { Requirements } from './config.ts';
import { type Evidence, firstUnknown } from './evidence.ts';
import type { Probe } from './probes.ts';
import type { CheckResult, CheckState } from './types.ts';

/** Everything a judgment may look at: a check's state is a function of this and nothing else. */
export interface Facts {
  readonly evidence: Evidence;
  readonly need: Requirements;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Hash of the running build; null when the sources run directly. */
  readonly build: string | null;
}

export interface Judgment {
  readonly state: CheckState;
  readonly observed: string;
  /** Empty only when OK. */
  readonly reason: string;
  /** The same in a few words, for the phase's line. */
  readonly brief: string;
  readonly fix: string | null;
  /** Time of recorded evidence, when that is older than the look. */
  readonly at?: number;
}

export interface CheckSpec {
  /** `P1.trades` */
  readonly id: string;
  readonly title: string;
  readonly required: (need: Requirements) => string;
  /** The looks that must have an answer; any without one makes the check UNKN with its cause. */
  readonly looks: (evidence: Evidence) => readonly Probe<unknown>[];
  /** Called only when every look has its answer. */
  readonly judge: (facts: Facts) => Judgment;
  /** An advisory check never holds its phase back. */
  readonly advisory?: boolean;
  /** False for a check whose OK is no progress of the phase: a database that answers is still an empty one. */
  readonly progress?: boolean;
  /** Judges what the phase's own commands read: while it is not OK the phase may not begin. */
  readonly input?: boolean;
  /** States in which it lets later phases begin; default OK and STALE. */
  readonly opensWhen?: readonly CheckState[];
  /** The later phases that wait for it; default all. */
  readonly holdsBack?: readonly Phase[];
}

/** A check's result with what the phase needs of its judgment. */
export interface Judged {
  readonly spec: CheckSpec;
  readonly result: CheckResult;
  readonly brief: string;
}

/** Looks, judges, and words the result. */
export function judge(spec: CheckSpec, facts: Facts): Judged {
  const looks = spec.looks(facts.evidence);
  const unknown = firstUnknown(looks);
  const judgment: Judgment = unknown
    ? { state: 'UNKN', observed: '–', reason: sentence(unknown.cause), brief: unknown.brief, fix: unknown.fix }
    : spec.judge(facts);
  return {
    spec,
    brief: judgment.brief,
    result: {
      id: spec.id,
      title: spec.title,
      state: judgment.state,
      observed: judgment.observed,
      required: spec.required(facts.need),
      reason: judgment.reason,
      fix: judgment.fix,
      at: Math.min(judgment.at ?? facts.now, ...looks.map((look) => look.at)),
      costMs: looks.reduce((sum, look) => sum + look.costMs, 0),
      advisory: spec.advisory ?? false,
      source: [...new Set(looks.map((look) => look.source))].join('\n'),
    },
  };
}

/** The value of a look that `judge` has found to be known. */
export function figureOf<T>(probe: Probe<T>): T {
  if (!probe.known) throw new Error(`a check reads a look that it does not name: ${probe.source}`);
  return probe.value;
}

export const ok = (observed: string, brief = observed, at?: number): Judgment => ({
  state: 'OK',
  observed,
  reason: '',
  brief,
  fix: null,
  at,
});

/** Anything but OK: it needs a reason. */
export const notOk = (
  state: Exclude<CheckState, 'OK'>,
  observed: string,
  reason: string,
  fix: string | null,
  brief = reason,
  at?: number,
): Judgment => ({ state, observed, reason: sentence(reason), brief, fix, at });

/** Upper-case first letter of a word, one full stop at the end. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  // Ids and table names (prices_daily, num-stab-core-v1) keep their case.
  const first = /^[a-z]+(?![\w.-]*[_\d.-]\w)/.test(trimmed) ? trimmed[0].toUpperCase() + trimmed.slice(1) : trimmed;
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
