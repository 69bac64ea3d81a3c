/** Runs an engine program in this process on test databases. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { z } from 'zod';
import type { Databases } from '../../src/platform/db/databases.ts';
import { collectedEvents, type ProgramEvent } from '../../src/platform/events.ts';
import { type Home, homeAt } from '../../src/platform/home.ts';
import { newId } from '../../src/platform/ids.ts';
import { type Program, type ProgramResult, type ProgramSpec, resultEvent } from '../../src/platform/program.ts';

export interface ProgramRun {
  readonly result: ProgramResult;
  readonly stdout: string;
  readonly events: readonly ProgramEvent[];
}

const folders: string[] = [];
// Not a hook of the test runner: benchmarks run programs too.
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder that is removed when the process of the tests ends. */
function ownFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'prometheus-test-'));
  folders.push(folder);
  return folder;
}

/** Parses `args` by the spec's schema, as the command line does, and runs the program. */
export async function runProgram<Args extends z.ZodObject>(
  spec: ProgramSpec<Args>,
  program: Program<ProgramSpec<Args>>,
  args: z.input<Args>,
  databases: Databases,
  signal: AbortSignal = new AbortController().signal,
  home: Home = homeAt(ownFolder()),
): Promise<ProgramRun> {
  const events = collectedEvents();
  let stdout = '';
  const result = await program(spec.args.parse(args) as z.infer<Args>, {
    home,
    databases,
    events,
    signal,
    now: Date.now,
    newId,
    stdout: (text) => {
      stdout += text;
    },
    provenance: { version: 'test', build: 'test', gitSha: null, gitDirty: null },
  });
  events.emit(resultEvent(result));
  return { result, stdout, events: events.list };
}
