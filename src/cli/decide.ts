/** `prometheus decide` and `prometheus note`: what people decided and noted about phases. */
import { z } from 'zod';
import type { Board } from '../phases/types.ts';
import type { Database } from '../platform/db/databases.ts';
import { Exit, UsageError, UserError } from '../platform/errors.ts';
import { readBoard } from './board.ts';
import { defineCommand } from './command.ts';
import type { Cli } from './context.ts';
import { addNote, insertRecord } from './phase-records.ts';
import { operatorName } from './supervisor-client.ts';

const PHASES = ['P0', 'P1', 'P2', 'P3', 'P4', 'P5'] as const;
const words = (what: string) => z.string().trim().min(1, 'must not be empty').max(4000).describe(what);

export const decide = defineCommand({
  name: 'decide',
  summary: 'record the decision on full-horizon embeddings (Phase 5)',
  description: [
    'Backfills that begin before 2005 start only after the newest decision says extend. A decision names the runs that it',
    'rests on and says why; it is kept with who, when, and what the board showed. Where the evidence of Phases 1 to 4 is not',
    'there, it is refused unless --override says why it is made all the same; that is kept too.',
    '',
    'Example:',
    '  prometheus decide P5 --runs 4b1c… 9a20… --text "λ̂ gains in every sleeve; 1997-2004 adds two regimes"',
  ].join('\n'),
  args: z.object({
    phase: z.enum(['P5']).describe('the phase: P5'),
    decision: z.enum(['extend', 'stay']).default('extend').describe('extend to 1997, or stay at a shorter span'),
    runs: z.array(z.string().min(1)).default([]).describe('the backtest runs that it rests on'),
    text: words('why'),
    override: words('why it is made though evidence is lacking').optional(),
  }),
  positionals: ['phase'],
  run: async (args, cli) => {
    if (args.decision === 'extend' && args.runs.length === 0) {
      throw new UsageError(
        'a decision to extend names the runs that it rests on',
        'Give --runs; see them with: prometheus backtests ls',
      );
    }
    const board = await readBoard(cli);
    const lacking = lackingEvidence(board);
    if (args.decision === 'extend' && lacking.length && args.override === undefined) {
      throw new UserError(
        `the evidence for Phase 5 is not there: ${lacking.join(' ')}`,
        'See: prometheus why P5. To decide all the same, give the reason with --override.',
      );
    }
    const { runtime } = await cli.databases({ application: 'decide' });
    await requireRuns(runtime, args.runs);
    const override = lacking.length && args.decision === 'extend' ? (args.override ?? null) : null;
    const evidence = {
      lacking,
      phases: board.phases.map(({ phase, state, checks }) => ({
        phase,
        state,
        checks: checks.map(({ id, state: of, observed }) => ({ id, state: of, observed })),
      })),
    };
    const { build, gitSha } = cli.provenance;
    await insertRecord(runtime, 'console.decisions', {
      phase: args.phase,
      decision: args.decision,
      runs: args.runs,
      reason: args.text,
      override,
      evidence,
      decided_by: operatorName(cli.env),
      build,
      git_sha: gitSha,
    });
    cli.out(`${args.phase}: ${args.decision}, recorded${override === null ? '' : ' without the evidence'}\n`);
    return Exit.done;
  },
});

export const note = defineCommand({
  name: 'note',
  summary: 'write a note on a phase, kept with time and name',
  description:
    'prometheus why PHASE and the console\'s Phases screen show the notes. Notes are only ever added.\n\nExample:\n  prometheus note P3 "λ of Utilities looks off before 2011"',
  args: z.object({ phase: z.enum(PHASES).describe('the phase'), text: words('the note') }),
  positionals: ['phase', 'text'],
  run: async ({ phase, text }, cli: Cli) => {
    const { runtime } = await cli.databases({ application: 'note' });
    await addNote(runtime, { phase, note: text, who: operatorName(cli.env) });
    cli.out(`${phase}: noted\n`);
    return Exit.done;
  },
});

/** What keeps Phase 5 from being OK beside the decision itself. */
const lackingEvidence = (board: Board): string[] =>
  board.phases.find(({ phase }) => phase === 'P5')!.why.filter((reason) => !reason.startsWith('P5.decision '));

async function requireRuns(runtime: Database, runs: readonly string[]): Promise<void> {
  const known = await runtime.client(async (client) => {
    const { rows } = await client.query<{ id: string }>(
      `SELECT run_id AS id FROM backtest_runs WHERE run_id = ANY ($1::text[]) AND metrics_json IS NOT NULL`,
      [runs],
    );
    return new Set(rows.map((row) => row.id));
  });
  const unknown = runs.find((id) => !known.has(id));
  if (unknown) throw new UsageError(`there is no complete run ${unknown}`, 'See: prometheus backtests ls');
}
