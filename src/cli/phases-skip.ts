/** `prometheus phases skip P3`, `phases unskip P3`: an optional phase left out, with the reason, and taken in again. */
import { z } from 'zod';
import { phaseSpecs } from '../phases/catalogue.ts';
import { loadPhaseConfig, requirementsOf } from '../phases/config.ts';
import { Exit, UsageError } from '../platform/errors.ts';
import { readBoard } from './board.ts';
import { defineCommand } from './command.ts';
import type { Cli } from './context.ts';
import { addSkip } from './phase-records.ts';
import { operatorName } from './supervisor-client.ts';

const args = z.object({
  phase: z.string().describe('the phase: an optional one, such as P3'),
  text: z.string().trim().min(1, 'must not be empty').max(4000).describe('why'),
});

export const phasesSkip = defineCommand({
  name: 'phases skip',
  summary: 'leave an optional phase out, with the reason',
  description: [
    'The board shows it as SKIP with reason, name and age: a skip is no success. Its checks go on saying what was seen. What',
    'needs one of several phases no longer counts on this one. Only optional phases can be skipped; evidence alone decides on',
    'the others.',
    '',
    'Example:',
    '  prometheus phases skip P3 --text "after Phase 4"',
  ].join('\n'),
  args,
  positionals: ['phase'],
  run: (given, cli) => setSkip(cli, given, true),
});

export const phasesUnskip = defineCommand({
  name: 'phases unskip',
  summary: 'take a skipped phase in again, with the reason',
  description:
    'Its state is that of its evidence again.\n\nExample:\n  prometheus phases unskip P3 --text "texts are there now"',
  args,
  positionals: ['phase'],
  run: (given, cli) => setSkip(cli, given, false),
});

async function setSkip(cli: Cli, { phase: name, text }: z.infer<typeof args>, skipped: boolean) {
  const specs = phaseSpecs(requirementsOf(loadPhaseConfig(cli.home, cli.env), cli.home.demo));
  const phase = specs.find((spec) => spec.phase === name.toUpperCase());
  if (!phase?.optional) {
    const optional = specs.filter((spec) => spec.optional).map((spec) => spec.phase);
    throw new UsageError(
      phase ? `${phase.phase} is not optional: evidence alone decides on it` : `there is no phase '${name}'`,
      `Optional: ${optional.join(' ')}.`,
    );
  }
  if (!skipped && !(await readBoard(cli)).phases.some((one) => one.phase === phase.phase && one.skip))
    throw new UsageError(`${phase.phase} is not skipped`, 'See: prometheus phases');
  const { runtime } = await cli.databases({ application: 'phases' });
  await addSkip(runtime, { phase: phase.phase, skipped, reason: text, who: operatorName(cli.env) });
  cli.out(`${phase.phase}: ${skipped ? 'skipped' : 'no longer skipped'}, recorded\n`);
  return Exit.done;
}
