/** How the supervisor answers what a console asks for, screen by screen. */
import type { Home } from '../platform/home.ts';
import { readAudit, readJournal } from '../supervisor/journal.ts';
import type { Readers } from '../supervisor/reads.ts';

/** Readers over a home; histories of the machine and logs of jobs are the supervisor's own. */
export function readersOf({ home }: { readonly home: Home }): Partial<Readers> {
  return {
    events: async ({ audit, last }) => (audit ? readAudit(home) : readJournal(home)).slice(-last),
  };
}
