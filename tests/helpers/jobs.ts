/** Jobs over a program made for tests: a catalogue of one, and a home of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { parseProgramArguments } from '../../src/cli/job-runtime.ts';
import { type Home, homeAt } from '../../src/platform/home.ts';
import { defineProgram } from '../../src/platform/program.ts';
import { listJobIds, readJob } from '../../src/supervisor/job-store.ts';
import type { JobRuntime } from '../../src/supervisor/launch.ts';
import { signalGroup } from '../../src/supervisor/process-identity.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');

/** `tests/fixtures/job-program.mjs` as a program of the catalogue. */
const fixtureSpec = defineProgram({
  name: 'fixture run',
  phase: 'P0',
  summary: 'does what its flags say',
  args: z.object({
    print: z.array(z.string()).optional(),
    printErr: z.array(z.string()).optional(),
    until: z.string().optional().describe('goes on when this file exists'),
    exitCode: z.number().int().min(0).max(255).default(0),
    ignoreTerm: z.boolean().default(false),
    environmentTo: z.string().optional(),
    child: z.boolean().default(false).describe('leaves a helper behind'),
    mood: z.enum(['calm', 'wild']).optional(),
  }),
  reads: [],
  writes: [],
  resource: 'cpu',
});

/** The runtime of fixture jobs, as a command line would compose it. */
export function fixtureRuntime(changes: Partial<JobRuntime> = {}): JobRuntime {
  return {
    catalog: [fixtureSpec],
    parse: parseProgramArguments,
    node: process.execPath,
    main: path.join(ROOT, 'tests', 'fixtures', 'job-program.mjs'),
    shim: path.join(ROOT, 'src', 'supervisor', 'shim.ts'),
    cwd: tmpdir(),
    env: process.env,
    provenance: { version: '0', build: 'build-1', gitSha: 'abc', gitDirty: false },
    configHash: null,
    now: Date.now,
    ...changes,
  };
}

export interface TestHome {
  readonly home: Home;
  /** A path inside a folder of the test's own. */
  at(name: string): string;
  /** Ends all jobs and removes the folder. */
  remove(): void;
}

/** An empty home in a temporary folder. */
export function createTestHome(): TestHome {
  const folder = mkdtempSync(path.join(tmpdir(), 'prometheus-jobs-'));
  const home = homeAt(path.join(folder, 'home'));
  return {
    home,
    at: (name) => path.join(folder, name),
    remove: () => {
      for (const id of listJobIds(home)) {
        const { status } = readJob(home, id, Date.now());
        for (const identity of [status?.shim, status?.child]) if (identity) signalGroup(identity, 'SIGKILL');
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
