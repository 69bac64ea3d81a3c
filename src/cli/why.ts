/** `prometheus why P1`, `prometheus why P1.trades`: why a phase or a check is what it is, and what would mend it. */
import { z } from 'zod';
import { formatAge, formatInstant } from '../format/age.ts';
import { formatCount } from '../format/numbers.ts';
import type { Board, CheckResult, PhaseResult } from '../phases/types.ts';
import { Exit, UsageError } from '../platform/errors.ts';
import { readBoard } from './board.ts';
import { defineCommand } from './command.ts';
import { printJson } from './json.ts';
import { Report } from './plain-text.ts';

export const why = defineCommand({
  name: 'why',
  summary: 'why a phase or a check is not OK, and what would mend it',
  description: `
Names a phase (P1) or one of its checks (P1.trades). For a phase: the reasons, worst first, then each check with what was
observed, what is required and the command that would mend it. For a check also the SQL its figure came from.`,
  args: z.object({
    what: z.string().describe('P0 … P5, or a check such as P1.trades'),
    json: z.boolean().default(false).describe('print JSON'),
  }),
  positionals: ['what'],
  run: async (args, cli) => {
    const board = await readBoard(cli);
    const { phase, check } = find(board, args.what);
    if (args.json) {
      printJson(cli, check ? { at: board.at, phase: phase.phase, check } : { at: board.at, phase });
      return Exit.done;
    }
    const report = new Report(cli);
    if (check) printCheck(report, check, board.at, true);
    else printPhase(report, phase, board);
    report.print(cli);
    return Exit.done;
  },
});

/** The phase, and the check when one is named; case does not matter. @throws UsageError with the names there are. */
function find(board: Board, name: string): { phase: PhaseResult; check: CheckResult | null } {
  const wanted = name.toLowerCase();
  for (const phase of board.phases) {
    if (phase.phase.toLowerCase() === wanted) return { phase, check: null };
    const check = phase.checks.find((one) => one.id.toLowerCase() === wanted);
    if (check) return { phase, check };
  }
  const near = board.phases.find((phase) => wanted.startsWith(`${phase.phase.toLowerCase()}.`));
  const names = near ? near.checks.map((check) => check.id) : board.phases.map((phase) => phase.phase);
  throw new UsageError(`there is no ${near ? 'check' : 'phase'} '${name}'`, `Choose one of ${names.join(', ')}.`);
}

function printPhase(report: Report, phase: PhaseResult, board: Board): void {
  report.line(
    `${phase.phase}  ${phase.title}  ${report.state(phase.state)}  ${phase.passed}/${phase.required} checks OK`,
  );
  report.text('', phase.goal);
  report.line();
  if (phase.why.length === 0) report.line('Nothing is left to say: every required check is OK.');
  for (const reason of phase.why) report.text('- ', reason);
  if (phase.notes.length) report.line();
  for (const { note, who, at } of phase.notes) report.text('note  ', `${note} · ${who} · ${age(board.at - at)}`);
  // One command often mends several checks; it is printed once.
  const shown = new Map<string, string>();
  for (const check of phase.checks) {
    report.line();
    const before = check.fix === null ? undefined : shown.get(check.fix);
    printCheck(report, check, board.at, false, before);
    if (check.fix !== null && before === undefined) shown.set(check.fix, check.id);
  }
}

function printCheck(report: Report, check: CheckResult, now: number, withSource: boolean, sameFixAs?: string): void {
  report.line(
    `${report.state(check.state).padEnd(8)}${check.id}  ${check.title}${check.advisory ? ' (advisory)' : ''}`,
  );
  report.text('observed  ', check.observed, 8);
  report.text('required  ', check.required, 8);
  if (check.reason) report.text('reason    ', check.reason, 8);
  if (check.fix && sameFixAs) report.text('fix       ', `as for ${sameFixAs}`, 8);
  else if (check.fix) report.command('fix       ', check.fix, 8);
  report.line(
    `        as of     ${formatInstant(check.at)} UTC (${age(now - check.at)}), cost ${formatCount(Math.round(check.costMs))} ms`,
  );
  if (withSource) for (const line of check.source.split('\n')) report.text('source    ', line, 8);
}

const age = (ms: number) => (formatAge(ms) === 'now' ? 'now' : `${formatAge(ms)} ago`);
