/** `prometheus phases`: the board as a table. */
import { z } from 'zod';
import { formatDuration } from '../format/numbers.ts';
import type { Board, PhaseResult } from '../phases/types.ts';
import { Exit } from '../platform/errors.ts';
import { readBoard } from './board.ts';
import { defineCommand } from './command.ts';
import type { Cli } from './context.ts';
import { printJson } from './json.ts';
import { cell, Report } from './plain-text.ts';

export const phases = defineCommand({
  name: 'phases',
  summary: 'the phase board, from the evidence in the databases',
  description: `
One line a phase: state, required checks that are OK, and the worst thing in a few words. The states are OK PART FAIL
BLKD WAIT RUN STALE UNKN SKIP; thresholds stand in configs/phases.yaml. The exit code is 0 whatever the board shows
(prometheus status exits 1 when something failed).`,
  args: z.object({ json: z.boolean().default(false).describe('print JSON') }),
  run: async (args, cli) => {
    const board = await readBoard(cli);
    if (args.json) printJson(cli, { at: board.at, phases: board.phases });
    else phasesReport(board, cli).print(cli);
    return Exit.done;
  },
});

/** The table; the demo prints it too, on stderr. */
export function phasesReport(board: Board, cli: Cli): Report {
  const report = new Report(cli);
  report.table<PhaseResult>(
    [
      { title: 'PHASE', cell: (phase) => cell(phase.phase) },
      { title: '', cell: (phase) => cell(`${phase.title}${phase.optional ? ' (optional)' : ''}`) },
      { title: 'STATE', min: 7, cell: (phase) => cell(report.state(phase.state)) },
      { title: 'OK', align: 'right', cell: (phase) => cell(`${phase.passed}/${phase.required}`) },
      { title: 'EVIDENCE, WORST FIRST', grow: true, cell: (phase) => cell(phase.headline) },
    ],
    board.phases,
  );
  const next = board.phases.find((phase) => phase.state !== 'OK' && phase.state !== 'SKIP');
  report.line();
  report.line(
    `evidence read in ${formatDuration(board.coverage.costMs / 1000)}${next ? `; for more: prometheus why ${next.phase}` : ''}`,
  );
  return report;
}
