/** Looks at the runtime database for Phase 5: repeated runs, gains over the baseline, decisions; and notes on phases. */
import { RUN_IS_OUT_OF_SAMPLE } from '../platform/db/run-pairs.ts';
import type { DecisionRow, GainRow, NoteRow, RepeatRow, SkipRow } from './evidence.ts';
import { pairedGain } from './paired-returns.ts';
import type { Probe, Prober, Query } from './probes.ts';
import { BACKEND_OF_RUN, RUN_IS_COMPLETE, SLEEVE_OF_RUN, type Window } from './runtime-evidence.ts';

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
           FROM backtest_runs WHERE ${RUN_IS_COMPLETE} AND start_date - ${EPOCH} <= $2 AND end_date - ${EPOCH} >= $3 AND ${BACKEND_OF_RUN} = 'basic'),
       newest AS (SELECT DISTINCT ON (sleeve) sleeve, question FROM asked WHERE sleeve = ANY ($1::text[]) ORDER BY sleeve, created_at DESC)
       SELECT sleeve AS "sleeveId", count(answer) AS runs, count(DISTINCT answer) AS answers
         FROM newest JOIN asked USING (sleeve, question) GROUP BY 1 ORDER BY 1`,
      [sleeves, window.first, window.last],
    ),
  );
}

/**
 * The newest runs with λ̂ over `lambda`, or with context over `context`, against the newest baseline run of the same sleeve,
 * days and prices. A pair without one that is the same in all of these is no comparison and is left out.
 */
export function probeGains(
  prober: Prober,
  sleeves: readonly string[],
  { lambda, context }: { readonly lambda: Window; readonly context: Window },
): Promise<Probe<readonly GainRow[]>> {
  return prober.probe('backtest_daily_equity, paired', async (query) => {
    const rows = await query<{
      sleeveId: string;
      backend: string;
      days: number;
      own: number[];
      other: number[];
      at: number;
    }>(
      `WITH complete AS (
         SELECT run_id, ${SLEEVE_OF_RUN} AS sleeve, ${BACKEND_OF_RUN} AS backend, start_date, end_date, created_at,
                config_json->>'data_fingerprint' AS data
           FROM backtest_runs WHERE ${RUN_IS_COMPLETE} AND ${RUN_IS_OUT_OF_SAMPLE}),
       pairs AS (
         SELECT DISTINCT ON (own.sleeve, own.backend) own.sleeve, own.backend, own.run_id AS own, other.run_id AS other, own.created_at
           FROM complete own JOIN complete other USING (sleeve, start_date, end_date, data)
          WHERE other.backend = 'basic' AND own.sleeve = ANY ($1::text[])
            AND CASE WHEN own.backend LIKE 'context%' THEN own.start_date - ${EPOCH} <= $4 AND own.end_date - ${EPOCH} >= $5
                     WHEN own.backend LIKE '%+lambda%' AND own.backend NOT LIKE '%+lambda-unmatched%'
                       THEN own.start_date - ${EPOCH} <= $2 AND own.end_date - ${EPOCH} >= $3 END
          ORDER BY own.sleeve, own.backend, own.created_at DESC, other.created_at DESC)
       SELECT sleeve AS "sleeveId", backend, count(*) AS days, array_agg(a.equity_curve_value ORDER BY a.date) AS own,
              array_agg(b.equity_curve_value ORDER BY a.date) AS other, ${MS('max(p.created_at)')} AS at
         FROM pairs p JOIN backtest_daily_equity a ON a.run_id = p.own JOIN backtest_daily_equity b ON b.run_id = p.other AND b.date = a.date
        GROUP BY 1, 2 ORDER BY 2, 1`,
      [sleeves, lambda.first, lambda.last, context.first, context.last],
    );
    return rows.map(({ own, other, ...row }) => ({ ...row, gain: pairedGain(own, other) }));
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
