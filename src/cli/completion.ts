/** `prometheus completion SHELL`: a script for the shell, made from the list of commands and their schemas. */
import { z } from 'zod';
import { PROGRAMS } from '../../engines/catalog.ts';
import { phaseSpecs } from '../phases/catalogue.ts';
import { loadPhaseConfig, requirementsOf } from '../phases/config.ts';
import { Exit } from '../platform/errors.ts';
import { listJobIds } from '../supervisor/job-store.ts';
import { loadPrograms } from '../supervisor/programs.ts';
import { defineCommand } from './command.ts';
import { COMMANDS } from './commands.ts';
import { isPlainWord, placesOf } from './completion-model.ts';
import { completionScript } from './completion-scripts.ts';
import type { Cli } from './context.ts';

/** Newest first; older ones are completed by nobody. */
const JOBS = 200;

export const completion = defineCommand({
  name: 'completion',
  summary: 'a completion script for bash, zsh or fish',
  description: `
bash: source <(prometheus completion bash), in ~/.bashrc.
zsh:  prometheus completion zsh >~/.zfunc/_prometheus, a folder that is in fpath before compinit runs.
fish: prometheus completion fish >~/.config/fish/completions/prometheus.fish
Make it anew after an update, and after a change of your own commands (programs.yaml). The scripts ask for the jobs of the home with: prometheus completion jobs.`,
  args: z.object({ shell: z.enum(['bash', 'zsh', 'fish', 'jobs']).describe('which shell') }),
  positionals: ['shell'],
  run: async ({ shell }, cli) => {
    if (shell === 'jobs') cli.out(jobWords(cli));
    else {
      const commands = await Promise.all(COMMANDS.map((entry) => entry.load()));
      const programs = PROGRAMS.map((program) => program.name);
      const own = loadPrograms(cli.home, cli.env).filter((program) => !program.fault);
      const places = placesOf(commands, { programs, own, phases: phaseWords(cli) });
      cli.out(completionScript(shell, places));
    }
    return Exit.done;
  },
});

function jobWords(cli: Cli): string {
  const ids = listJobIds(cli.home).filter(isPlainWord).slice(-JOBS).reverse();
  return ids.map((id) => `${id}\n`).join('') + (ids.length ? 'last\n' : '');
}

/** Phases and checks as configured now. */
function phaseWords(cli: Cli): string[] {
  const specs = phaseSpecs(requirementsOf(loadPhaseConfig(cli.home, cli.env), cli.home.demo));
  return specs.flatMap((spec) => [spec.phase, ...spec.checks.map((check) => check.id)]);
}
