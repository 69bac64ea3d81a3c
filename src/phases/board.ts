/** The board: reads the evidence once, then derives everything from it. */
import { parseDay } from '../platform/dates.ts';
import type { Databases } from '../platform/db/databases.ts';
import { InterruptedError } from '../platform/errors.ts';
import type { Home } from '../platform/home.ts';
import { sleeveIds } from './campaign.ts';
import { type PhaseSpec, phaseSpecs } from './catalogue.ts';
import { type Facts, figureOf, judge } from './check.ts';
import { campaignWindow, runsToLookAt } from './checks/p1.ts';
import { contextParts, contextWindow } from './checks/p4-plan.ts';
import { type PhaseConfig, type Requirements, requirementsOf } from './config.ts';
import { coverageOf } from './coverage.ts';
import { probeDecision, probeGains, probeNotes, probeRepeats, probeSkips } from './decision-evidence.ts';
import { derivePhases } from './derive.ts';
import { derived, type Evidence, firstUnknown, type Suite, unknownBecause } from './evidence.ts';
import {
  probeGaps,
  probeHolidays,
  probeJoint,
  probeLastWrite,
  probeNews,
  probeNumeric,
  probeNumericBits,
  probePrices,
  probeText,
  probeVectorWrites,
} from './historical-evidence.ts';
import { type Probe, type ProbeOptions, type Prober, withProber } from './probes.ts';
import {
  probeComparison,
  probeCounts,
  probeEquity,
  probeForecast,
  probeInstruments,
  probeLambda,
  probeNumericProof,
  probePairs,
  probeRecorded,
  probeRuns,
} from './runtime-evidence.ts';
import { probeSchema } from './schema.ts';
import { probeTestRecord } from './test-record.ts';
import { probeTextModel } from './text-model.ts';
import type { Board, PhaseNote, PhaseSkip } from './types.ts';
import { dueDays, type VectorBits, vectorsAgainst } from './vector-days.ts';

export interface BoardInput {
  /** Read-only pools that serve the board alone: an abort breaks off whatever runs on them. */
  readonly databases: Databases;
  readonly home: Home;
  readonly config: PhaseConfig;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly signal: AbortSignal;
  /** Folder of the checkout or package; its test record is read. Null when the launcher was not used. */
  readonly checkout: string | null;
  /** The user's own tests, which then stand for ours. */
  readonly suite: Suite | null;
  /** Hash of the running build; default: the launcher's, from the environment. */
  readonly build?: string | null;
}

/**
 * Reads all evidence and derives the board. Never throws for a database in trouble: what could not be read is UNKN with
 * its cause. One connection and one snapshot a database; each statement bounded by `evidence.probeTimeoutMs`.
 * @throws InterruptedError when the signal aborts.
 */
export async function evaluateBoard(input: BoardInput): Promise<Board> {
  const { databases, home, config, now, signal, checkout } = input;
  if (signal.aborted) throw new InterruptedError('reading the evidence');
  const abort = () => databases.abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    const need = requirementsOf(config, home.demo);
    const evidence = await gatherEvidence(databases, need, {
      now,
      signal,
      timeoutMs: config.evidence.probeTimeoutMs,
      checkout,
      suite: input.suite,
      home,
    });
    const build = input.build === undefined ? process.env.PROMETHEUS_BUILD || null : input.build;
    return deriveBoard({ evidence, need, now: now(), build });
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** The board as a pure function of evidence, requirements and time. */
export function deriveBoard(facts: Facts): Board {
  const phases = phaseSpecs(facts.need).map((spec) => ({
    ...spec,
    checks: spec.checks.map((check) => judge(check, facts)),
    notes: notesOf(facts, spec.phase),
    skip: skipOf(facts, spec),
  }));
  return { at: facts.now, phases: derivePhases(phases), coverage: coverageOf(facts.evidence, facts.need, facts.now) };
}

/** Notes that cannot be read are none: they say nothing about the phase's state. */
function notesOf({ evidence: { notes } }: Facts, phase: string): PhaseNote[] {
  const rows = notes.known ? notes.value : [];
  return rows.filter((row) => row.phase === phase).map(({ note, who, at }) => ({ note, who, at }));
}

/** A skip that cannot be read is none: the checks speak, and say what is the matter with the database. */
function skipOf({ evidence: { skips } }: Facts, { phase, optional }: PhaseSpec): PhaseSkip | null {
  const row = optional && skips.known ? skips.value.find((one) => one.phase === phase) : undefined;
  return row ? { reason: row.reason, who: row.who, at: row.at } : null;
}

type GatherOptions = ProbeOptions & Pick<BoardInput, 'checkout' | 'suite' | 'home'>;

async function gatherEvidence(databases: Databases, need: Requirements, options: GatherOptions): Promise<Evidence> {
  // The runtime's looks need the holidays to know the campaign's first and last trading day.
  const holidays = Promise.withResolvers<readonly number[]>();
  const [tests, textModel, historical, runtime] = await Promise.all([
    probeTestRecord(options.checkout, options.now),
    probeTextModel(options.home, need.context.textModel, options.now),
    withProber(databases.historical, options, (prober) => gatherHistorical(prober, need, holidays.resolve)).finally(
      () => holidays.resolve([]),
    ),
    withProber(databases.runtime, options, async (prober) => gatherRuntime(prober, need, await holidays.promise)),
  ]);
  const { numericBits, ...own } = historical;
  const numericDays = numericDaysOf(numericBits, own.prices, own.gaps, runtime.instruments, need.numeric);
  return { tests, textModel, suite: options.suite, ...own, numericDays, ...runtime };
}

/** Worked out once a board: every model of the plan is due on the same days. */
function numericDaysOf(
  bits: Probe<VectorBits>,
  prices: Evidence['prices'],
  gaps: Evidence['gaps'],
  instruments: Evidence['instruments'],
  { models, windowDays }: Requirements['numeric'],
): Evidence['numericDays'] {
  return derived(bits, [prices, gaps, instruments], () => {
    const there = figureOf(bits);
    const due = dueDays(figureOf(prices), figureOf(gaps), figureOf(instruments), there.bits, windowDays);
    return new Map(models.map((model) => [model, vectorsAgainst(due, there.models.get(model))]));
  });
}

async function gatherHistorical(prober: Prober, need: Requirements, announce: (holidays: readonly number[]) => void) {
  const historicalSchema = await probeSchema(prober, 'historical');
  const holidays = await probeHolidays(prober, need.market);
  announce(holidays.known ? holidays.value : []);
  const prices = await probePrices(prober);
  const unknown = firstUnknown([holidays, prices]);
  const gaps =
    holidays.known && prices.known
      ? await probeGaps(prober, holidays.value, prices.value, {
          first: parseDay(need.prices.start),
          last: parseDay(need.prices.end),
        })
      : unknownBecause(unknown!);
  return {
    historicalSchema,
    holidays,
    prices,
    gaps,
    news: await probeNews(prober),
    numeric: await probeNumeric(prober),
    numericBits: await probeNumericBits(prober, need.numeric.models),
    numericWrite: await probeLastWrite(prober, 'numeric', need.numeric),
    text: await probeText(prober),
    joint: await probeJoint(prober),
    contextParts: await probeVectorWrites(prober, { ...need.context, models: contextParts(need) }),
    contextWrite: await probeLastWrite(prober, 'joint', { ...contextWindow(need), models: need.context.jointModels }),
  };
}

async function gatherRuntime(prober: Prober, need: Requirements, holidays: readonly number[]) {
  const runtimeSchema = await probeSchema(prober, 'runtime');
  const instruments = await probeInstruments(prober, need.market);
  const campaignDays = campaignWindow(need.campaign, holidays);
  const runs = await probeRuns(prober, sleeveIds(need), campaignDays);
  const contextDays = campaignWindow(contextWindow(need), holidays);
  const found = runsToLookAt(runs, need);
  const equity = runs.known
    ? await probeEquity(
        prober,
        found.map((run) => run.runId),
      )
    : unknownBecause(runs);
  const pairs = await probePairs(prober, sleeveIds(need), contextDays);
  const counts = runs.known ? await probeCounts(prober, found) : unknownBecause(runs);
  return {
    runtimeSchema,
    instruments,
    runs,
    equity,
    counts,
    suiteRun: await probeRecorded(prober, 'P0.tests'),
    pointInTime: await probeRecorded(prober, 'P1.pit'),
    numericProof: await probeNumericProof(prober, need),
    contextRuns: await probeRuns(prober, sleeveIds(need), contextDays),
    pairs,
    comparison: pairs.known ? await probeComparison(prober, pairs.value) : unknownBecause(pairs),
    lambda: await probeLambda(prober),
    forecast: await probeForecast(prober, need.market, need.campaign),
    repeats: await probeRepeats(prober, sleeveIds(need), campaignDays),
    gains: await probeGains(prober, sleeveIds(need), { lambda: campaignDays, context: contextDays }),
    decision: await probeDecision(prober, 'P5'),
    notes: await probeNotes(prober),
    skips: await probeSkips(prober),
  };
}
