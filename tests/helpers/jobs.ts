/** Jobs over a program made for tests: a catalogue of one, and a home of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { parseProgramArguments } from '../../src/cli/job-runtime.ts';
import { dropServer } from '../../src/platform/db/embedded.ts';
import { type Home, homeAt } from '../../src/platform/home.ts';
import { lockHolder } from '../../src/platform/locks.ts';
import { defineProgram } from '../../src/platform/program.ts';
import { loadSettings, type Settings } from '../../src/platform/settings.ts';
import { supervisorLock } from '../../src/supervisor/daemon.ts';
import type { ExitRecord, JobSpec } from '../../src/supervisor/job-files.ts';
import { readJobView } from '../../src/supervisor/job-list.ts';
import { listJobIds, readJob } from '../../src/supervisor/job-store.ts';
import { beginJob, type JobOrder, type JobRuntime, makeJob } from '../../src/supervisor/launch.ts';
import { signalGroup } from '../../src/supervisor/process-identity.ts';
import type { JobView } from '../../src/supervisor/protocol.ts';

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
    escape: z.boolean().default(false).describe('leaves a helper in a session of its own'),
    fork: z.boolean().default(false).describe('has a helper that does not heed TERM'),
    rows: z.number().int().optional().describe('tells that it wrote so many rows'),
    failures: z.number().int().optional(),
    lines: z.number().int().optional().describe('prints so many lines'),
    flood: z.number().optional().describe('prints so many MB a second until that file exists'),
    linesUntil: z.string().optional().describe('prints some 40,000 lines a second until this file exists'),
    record: z.string().optional().describe('appends its pid and how it began and ended to this file'),
    claim: z.string().optional().describe('whose rows it replaces'),
    resume: z.boolean().default(false).describe('does nothing else than without it'),
    start: z.string().optional(),
    end: z.string().optional(),
    mood: z.enum(['calm', 'wild']).optional(),
  }),
  reads: [],
  writes: [],
  resource: 'cpu',
});

/** The same as a writer of rows: success needs rows, and claims keep others away. */
const writerSpec = defineProgram({
  ...fixtureSpec,
  name: 'fixture write',
  writes: ['runtime.x'],
  resumes: true,
  claims: [{ table: 'runtime.x', scope: 'claim', start: 'start', end: 'end' }],
});

/** The shipped settings with other ones for jobs. */
export function withSettings(jobs: Partial<Settings['jobs']>): Settings {
  const settings = loadSettings(homeAt('/nowhere'), {});
  return { ...settings, jobs: { ...settings.jobs, ...jobs } };
}

/** The runtime of fixture jobs, as a command line would compose it. */
export function fixtureRuntime(changes: Partial<JobRuntime> = {}): JobRuntime {
  return {
    catalog: () => [fixtureSpec, writerSpec],
    parse: parseProgramArguments,
    node: process.execPath,
    main: path.join(ROOT, 'tests', 'fixtures', 'job-program.mjs'),
    shim: path.join(ROOT, 'src', 'supervisor', 'shim.ts'),
    cwd: tmpdir(),
    env: process.env,
    provenance: () => ({ version: '0', build: 'build-1', gitSha: 'abc', gitDirty: false }),
    configHash: () => null,
    data: () => null,
    settings: withSettings({}),
    now: Date.now,
    ...changes,
  };
}

/** How a job is shown when nothing but its folder is known. */
export const viewOf = (home: Home, id: string): JobView =>
  readJobView(home, id, { now: Date.now(), stopDeadlineMs: 30_000 });

/** Makes a job and begins it at once, without a supervisor. */
export async function startJob(
  home: Home,
  order: Omit<JobOrder, 'program' | 'who'> & Partial<JobOrder>,
  runtime: JobRuntime = fixtureRuntime(),
): Promise<JobView> {
  const made = await makeJob(home, { program: 'fixture run', who: 'a test', ...order }, runtime);
  if (made.created) await beginJob(home, made.id, made.environment, runtime);
  return viewOf(home, made.id);
}

/** A spec of a job that asks for nothing special. */
export const jobSpecOf = (change: Partial<JobSpec> = {}): JobSpec => ({
  version: 1,
  program: 'fixture run',
  args: {},
  programArgs: [],
  argv: ['node', 'main.js', 'fixture', 'run'],
  cwd: '/',
  gitSha: null,
  gitDirty: null,
  build: 'b',
  configHash: null,
  environment: [],
  idempotencyKey: 'k',
  rerunOf: null,
  createdAt: 0,
  requestedBy: 'a test',
  data: null,
  resource: 'cpu',
  claims: [],
  limits: { timeoutMs: null, stallMs: null, killAfterMs: null, nice: 0, ioClass: null },
  after: [],
  notBefore: null,
  retry: null,
  chain: null,
  rowsDue: false,
  script: null,
  ...change,
});

/** An exit record of a program that ended with 0. */
export const exitRecordOf = (change: Partial<ExitRecord> = {}): ExitRecord => ({
  version: 1,
  code: 0,
  signal: null,
  error: null,
  stopped: false,
  startedAt: 0,
  endedAt: 5000,
  cpuSeconds: null,
  survivors: [],
  timedOut: false,
  verdict: null,
  ...change,
});

export interface TestHome {
  readonly home: Home;
  /** A path inside a folder of the test's own. */
  at(name: string): string;
  /** Ends all jobs, and a server of the home's own, and removes the folder. */
  remove(): Promise<void>;
}

/** An empty home in a temporary folder. */
export function createTestHome(): TestHome {
  const folder = mkdtempSync(path.join(tmpdir(), 'prometheus-jobs-'));
  const home = homeAt(path.join(folder, 'home'));
  return {
    home,
    at: (name) => path.join(folder, name),
    remove: async () => {
      const supervisor = lockHolder(supervisorLock(home));
      if (supervisor !== null) process.kill(supervisor, 'SIGKILL');
      for (const id of listJobIds(home)) {
        const { status } = readJob(home, id);
        for (const identity of [status?.shim, status?.child]) if (identity) signalGroup(identity, 'SIGKILL');
      }
      // Where a test named no database, the product started a server for the home: it must have ended before its
      // files go, or what it removes itself meanwhile breaks the removal off without a word.
      await dropServer(home);
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
