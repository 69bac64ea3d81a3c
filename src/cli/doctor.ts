/** `prometheus doctor`: whether this machine and this installation are fit, line by line. */
import { z } from 'zod';
import { Exit } from '../platform/errors.ts';
import { defineCommand } from './command.ts';
import type { Cli } from './context.ts';
import type { FindingState } from './doctor-judgments.ts';
import { compareProfile } from './doctor-machine.ts';
import { examine, type Section } from './doctor-probes.ts';
import { printJson } from './json.ts';
import { Report } from './plain-text.ts';

const SIGNS: Readonly<Record<FindingState, string>> = { OK: '✓', WARN: '!', FAIL: '✗', UNKN: '?' };

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'versions, paths, databases, disks, GPU, limits and session of this machine',
  description: `
Starts and changes nothing. Each line says what was seen and, if it is not OK, what to do. Exits 1 when something FAILs;
WARN is worth a look, UNKN could not be told. The state of your data is another matter: prometheus phases.

--profile threadripper also compares cores, memory, GPU, driver, CUDA and cuDNN, the data disk and PostgreSQL's
settings with configs/hardware/threadripper.yaml: what differs is WARN with its fix.`,
  args: z.object({
    profile: z.enum(['threadripper']).optional().describe('a profile of configs/hardware to compare the machine with'),
    json: z.boolean().default(false).describe('print JSON'),
  }),
  run: async (args, cli) => {
    const compared = args.profile === undefined ? [] : [await compareProfile(cli, args.profile)];
    const sections = [...(await examine(cli)), ...compared];
    const failed = sections.some(({ findings }) => findings.some(({ state }) => state === 'FAIL'));
    if (args.json) printJson(cli, { ok: !failed, sections });
    else print(sections, cli);
    return failed ? Exit.failed : Exit.done;
  },
});

function print(sections: readonly Section[], cli: Cli): void {
  const report = new Report(cli);
  const width = Math.max(...sections.flatMap(({ findings }) => findings.map(({ name }) => name.length)));
  sections.forEach(({ title, findings }, i) => {
    if (i > 0) report.line();
    report.line(title);
    for (const { name, state, seen, advice } of findings) {
      const lead = `${`${SIGNS[state]} ${state}`.padEnd(6)}  ${name.padEnd(width)}  `;
      report.text(lead, seen, 2);
      if (advice) report.text(`${' '.repeat(lead.length)}→ `, advice, 2);
    }
  });
  report.print(cli);
}
