/** How the supervisor answers what a console asks for, screen by screen. */
import { loadPhaseConfig, requirementsOf } from '../phases/config.ts';
import { type CoverageOptions, coverageYear, missingOn } from '../phases/coverage-days.ts';
import type { Databases } from '../platform/db/databases.ts';
import { readAudit, readJournal } from '../supervisor/journal.ts';
import type { Readers } from '../supervisor/reads.ts';
import type { Cli } from './context.ts';

/**
 * Readers over a home and its databases (read-only); histories of the machine and logs of jobs are the
 * supervisor's own.
 */
export function readersOf(cli: Cli, { historical }: Databases): Partial<Readers> {
  const { home, signal } = cli;
  const coverage = (): CoverageOptions => {
    const config = loadPhaseConfig(home, cli.env);
    return {
      need: requirementsOf(config, home.demo),
      now: Date.now,
      signal,
      timeoutMs: config.evidence.probeTimeoutMs,
    };
  };
  return {
    events: async ({ audit, last }) => (audit ? readAudit(home) : readJournal(home)).slice(-last),
    coverageYear: async ({ row, year }) => coverageYear(historical, row, year, coverage()),
    coverageMissing: async ({ row, date }) => missingOn(historical, row, date, coverage()),
  };
}
