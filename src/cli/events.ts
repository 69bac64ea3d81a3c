/** `prometheus events`: the journal of the home. */
import { unwatchFile, watchFile } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { formatInstant } from '../format/age.ts';
import { Exit } from '../platform/errors.ts';
import { assertHomePossible } from '../platform/home.ts';
import { JOURNAL_FILE, parseJournalLine, readAudit, readJournal } from '../supervisor/journal.ts';
import { JOURNAL_KINDS, type JournalEntry } from '../supervisor/protocol.ts';
import { FileTail } from '../supervisor/tail.ts';
import { defineCommand } from './command.ts';
import { printDemo, printJson } from './json.ts';

const POLL_MS = 250;

export const events = defineCommand({
  name: 'events',
  summary: 'what happened: jobs, phases, databases, actions',
  description: `
Oldest first. Works without a supervisor: it reads logs/journal.ndjson of the home. --audit reads logs/audit.ndjson instead:
every action with who asked for it, never shortened. Who that is, the client told ("toldBy": "client"): nothing proves it.`,
  args: z.object({
    kind: z.enum(JOURNAL_KINDS).optional().describe('only this kind'),
    subject: z.string().optional().describe('only this job, phase or database'),
    audit: z.boolean().default(false).describe("the operators' actions, from the audit log"),
    last: z.number().int().min(0).default(50).describe('at most so many'),
    follow: z.boolean().default(false).meta({ short: 'f', description: 'go on as things happen (-f)' }),
    json: z.boolean().default(false).describe('print JSON, one object a line'),
  }),
  run: async (args, cli) => {
    assertHomePossible(cli.home);
    const wanted = (entry: JournalEntry) =>
      (!args.kind || entry.kind === args.kind) && (!args.subject || entry.subject === args.subject);
    const print = (entry: JournalEntry) => (args.json ? printJson(cli, entry) : cli.out(`${lineOf(entry)}\n`));
    const entries = (args.audit ? readAudit(cli.home) : readJournal(cli.home)).filter(wanted);
    const file = path.join(cli.home.logs, JOURNAL_FILE);
    const tail = new FileTail(file, { lastBytes: 0 });
    tail.read(() => {});
    if (!args.json) printDemo(cli);
    for (const entry of args.last === 0 ? [] : entries.slice(-args.last)) print(entry);
    if (!args.follow) return Exit.done;
    await new Promise<void>((resolve) => {
      const look = () =>
        tail.read((line) => {
          const entry = parseJournalLine(line);
          if (entry && wanted(entry)) print(entry);
        });
      watchFile(file, { interval: POLL_MS }, look);
      cli.signal.addEventListener('abort', () => resolve(), { once: true });
      look();
    });
    unwatchFile(file);
    return Exit.done;
  },
});

function lineOf({ at, kind, subject, what, detail, who }: JournalEntry): string {
  const words = kind === 'action' ? `${who} (as told by the client): ${what} ${subject}` : `${subject} ${what}`;
  return `${formatInstant(at)}  ${kind.padEnd(10)}  ${words}${detail ? ` · ${detail}` : ''}`;
}
