/** Looks at the runtime database for Phase 5: repeated runs, gains over the baseline, decisions; and notes on phases. */
import { BACKEND_OF_RUN, RUN_IS_COMPLETE, RUN_PAIRS, SLEEVE_OF_RUN } from '../platform/db/run-pairs.ts';
import { type Config, unequalTerms } from '../platform/run-differences.ts';
import type { DecisionRow, GainRow, NoteRow, RepeatRow, SkipRow } from './evidence.ts';
import { pairedGain } from './paired-returns.ts';
import type { Probe, Prober, Query } from './probes.ts';
import type { Window } from './runtime-evidence.ts';

const EPOCH = `date '1970-01-01'`;
const MS = (column: string) => `(extract(epoch FROM ${column}) * 1000)::float8`;
/** Notes shown of a phase. */
const NOTES = 50;

/**
 * How often the question of each sleeve's newest baseline run was answered (same configuration, data and build), and with
 * how many different lists of trades. Runs without a hash of their trades count as answers without one.
 */
export function probeRepeats(
  prober: Prober,
  sleeves: readonly string[],
  window: Window,
): Promise<Probe<readonly RepeatRow[]>> {
  return prober.probe('backtest_runs, repeated', (query) =>
    query<RepeatRow>(
      `WITH asked AS (
         SELECT ${SLEEVE_OF_RUN} AS sleeve, config_json - 'campaign_id' AS question, metrics_json->>'trade_list_hash' AS answer, created_at
           FROM backtest_runs WHERE ${RUN_IS_COMPLETE} AND start_date::date - ${EPOCH} <= $2 AND end_date::date - ${EPOCH} >= $3 AND ${BACKEND_OF_RUN} = 'basic'),
       newest AS (SELECT DISTINCT ON (sleeve) sleeve, question FROM asked WHERE sleeve = ANY ($1::text[]) ORDER BY sleeve, created_at DESC)
       SELECT sleeve AS "sleeveId", count(answer) AS runs, count(DISTINCT answer) AS answers
         FROM newest JOIN asked USING (sleeve, question) GROUP BY 1 ORDER BY 1`,
      [sleeves, window.first, window.last],
    ),
  );
}

/** Backends with λ̂ that reached somebody, and with context. */
const [WITH_LAMBDA, WITH_CONTEXT] = ['^basic\\+lambda(\\+regime)?$', '^context(\\+lambda)?(\\+regime)?$'];

/** What is read of a run that tries something and of its baseline, if it has one. */
interface PairedRow {
  readonly sleeveId: string;
  readonly backend: string;
  readonly start: string;
  readonly end: string;
  readonly config: Config;
  readonly basicConfig: Config | null;
  readonly ownIsOlder: boolean | null;
  readonly own: number[] | null;
  readonly other: number[] | null;
  readonly at: number;
}

/**
 * The newest runs with λ̂ over `lambda`, and with context over `context`, each against the baseline run that `compare` would
 * take. A baseline that differs in anything but what is tried gives no gain.
 */
export function probeGains(
  prober: Prober,
  sleeves: readonly string[],
  { lambda, context }: { readonly lambda: Window; readonly context: Window },
): Promise<Probe<readonly GainRow[]>> {
  return prober.probe('backtest_daily_equity, paired', async (query) => {
    const over = (window: Window, backends: string) =>
      query<PairedRow>(
        `SELECT p."sleeveId", p.backend, o.start_date::date::text AS start, o.end_date::date::text AS "end", o.config_json AS config,
                b.config_json AS "basicConfig", p."ownIsOlder", e.own, e.other, p."createdAt" AS at
           FROM (${RUN_PAIRS}) p JOIN backtest_runs o ON o.run_id = p.own LEFT JOIN backtest_runs b ON b.run_id = p.basic
           CROSS JOIN LATERAL (
             SELECT array_agg(x.equity_curve_value ORDER BY x.date) AS own, array_agg(y.equity_curve_value ORDER BY x.date) AS other
               FROM backtest_daily_equity x JOIN backtest_daily_equity y ON y.date::date = x.date::date WHERE x.run_id = p.own AND y.run_id = p.basic) e
          ORDER BY p.backend COLLATE "C", p."sleeveId" COLLATE "C"`,
        [sleeves, window.first, window.last, backends],
      );
    const rows = [...(await over(lambda, WITH_LAMBDA)), ...(await over(context, WITH_CONTEXT))];
    return rows.map(({ config, basicConfig, own, other, ownIsOlder, ...row }) => {
      const unlike = basicConfig && unequalTerms(config, basicConfig);
      const equal = unlike?.length === 0 && own && other;
      return {
        ...{ sleeveId: row.sleeveId, backend: row.backend, start: row.start, end: row.end, at: row.at },
        ...{ unlike, outdated: ownIsOlder === true, options: config, days: own?.length ?? 0 },
        gain: equal ? pairedGain(own, other) : null,
      };
    });
  });
}

/** The newest decision recorded for a phase. An adopted database that was not migrated has no table, and so no decision. */
export function probeDecision(prober: Prober, phase: string): Promise<Probe<DecisionRow | null>> {
  return prober.probe(`console.decisions, ${phase}`, async (query) => {
    if (!(await exists(query, 'console.decisions'))) return null;
    const [row] = await query<DecisionRow>(
      `SELECT decision, reason, override, decided_by AS who, ${MS('decided_at')} AS at
         FROM console.decisions WHERE phase = $1 ORDER BY decision_id DESC LIMIT 1`,
      [phase],
    );
    return row ?? null;
  });
}

/** Notes on phases, newest first; that one was left out or taken in again, and why, stands among them. */
export function probeNotes(prober: Prober): Promise<Probe<readonly NoteRow[]>> {
  return prober.probe('console.notes', async (query) => {
    if (!(await exists(query, 'console.notes'))) return [];
    const skips = `UNION ALL SELECT phase, CASE WHEN skipped THEN 'skipped: ' ELSE 'no longer skipped: ' END || reason, decided_by, decided_at
           FROM console.phase_skips`;
    return query<NoteRow>(
      `SELECT phase, note, who, at FROM (
         SELECT phase, note, who, ${MS('said_at')} AS at, row_number() OVER (PARTITION BY phase ORDER BY said_at DESC) AS place
           FROM (SELECT phase, note, noted_by AS who, noted_at AS said_at FROM console.notes
                 ${(await exists(query, 'console.phase_skips')) ? skips : ''}) said) n
        WHERE place <= ${NOTES} ORDER BY phase COLLATE "C", place`,
    );
  });
}

/** Phases that are left out: those whose newest word is that. */
export function probeSkips(prober: Prober): Promise<Probe<readonly SkipRow[]>> {
  return prober.probe('console.phase_skips', async (query) => {
    if (!(await exists(query, 'console.phase_skips'))) return [];
    return query<SkipRow>(
      `SELECT phase, reason, decided_by AS who, ${MS('decided_at')} AS at
         FROM (SELECT DISTINCT ON (phase) * FROM console.phase_skips ORDER BY phase, skip_id DESC) newest WHERE skipped`,
    );
  });
}

async function exists(query: Query, table: string): Promise<boolean> {
  const [row] = await query<{ found: boolean }>('SELECT to_regclass($1) IS NOT NULL AS found', [table]);
  return row.found;
}
