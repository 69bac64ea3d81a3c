/** `prometheus verify tests`: Phase 0's tests: the user's own pytest suite where one is configured, else those of this build. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { writeEvidence } from '../../engines/verify/storage.ts';
import { probeTestRecord } from '../phases/test-record.ts';
import { Exit, errorMessage, InterruptedError, UserError } from '../platform/errors.ts';
import { readGit } from '../platform/provenance.ts';
import { pythonSuite } from '../supervisor/programs.ts';
import { defineCommand } from './command.ts';
import type { Cli } from './context.ts';
import { printJson } from './json.ts';

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const verifyTests = defineCommand({
  name: 'verify tests',
  summary: "run Phase 0's tests: your own pytest suite where its path is set, else those of this build",
  description: `
With settings.python.root in programs.yaml: pytest in that folder (by settings.python.interpreter, else the pytest on PATH),
and then, where tests/integration exists, pytest -m integration tests/integration, as the plan has it. Counts and commit are
recorded as evidence; the board counts them as long as that commit is checked out. Without the setting: bin/test of this
checkout, which keeps a record of its own. Exit code 1 when a test failed.`,
  args: z.object({ json: z.boolean().default(false).describe('print the counts as JSON') }),
  run: async (args, cli) => {
    const suite = pythonSuite(cli.home, cli.env);
    const { counts, of } = suite === null ? await ownTests(cli) : await theirTests(suite, cli);
    if (args.json) printJson(cli, { ...counts, of });
    else cli.out(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped (${of})\n`);
    return counts.failed ? Exit.failed : Exit.done;
  },
});

/** `bin/test` of this checkout. @throws UserError outside one, or when it leaves no record. */
async function ownTests(cli: Cli): Promise<{ counts: Counts; of: string }> {
  const checkout = cli.env.PROMETHEUS_CHECKOUT;
  const script = path.join(checkout ?? '', 'bin', 'test');
  if (!checkout || !existsSync(script)) {
    throw new UserError(
      'no tests are to be had: this is no checkout, and no suite of yours is set',
      'Set settings.python.root in programs.yaml, or run bin/test in a checkout.',
    );
  }
  const started = Date.now();
  await run([script], checkout, cli);
  const record = await probeTestRecord(checkout, Date.now);
  if (!record.known || !record.value || record.value.finishedAt < started) {
    throw new UserError('bin/test left no record', 'See what it said above, and run it by hand: bin/test');
  }
  return { counts: record.value, of: `this build, commit ${record.value.sha ?? 'unknown'}` };
}

/** The user's own suite, recorded with its commit. @throws UserError when pytest does not start or counts nothing. */
async function theirTests(
  { root, interpreter }: { readonly root: string; readonly interpreter: string | null },
  cli: Cli,
): Promise<{ counts: Counts; of: string }> {
  if (!existsSync(root)) {
    throw new UserError(`the suite's folder ${root} is not there`, 'Mend settings.python.root in programs.yaml.');
  }
  const pytest = interpreter === null ? ['pytest'] : [interpreter, '-m', 'pytest'];
  const before = readGit(root);
  const total = { passed: 0, failed: 0, skipped: 0 };
  const runs = [['-ra'], ...(existsSync(path.join(root, 'tests', 'integration')) ? [INTEGRATION] : [])];
  const folder = mkdtempSync(path.join(tmpdir(), 'prometheus-pytest-'));
  try {
    for (const [number, words] of runs.entries()) {
      const report = path.join(folder, `${number}.xml`);
      const code = await run([...pytest, ...words, `--junitxml=${report}`], root, cli);
      const counts = countsOf(report, code);
      for (const key of ['passed', 'failed', 'skipped'] as const) total[key] += counts[key];
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  // Caches that the run leaves behind are no change.
  const dirty = before.sha === null ? null : before.dirty || readGit(root).sha !== before.sha;
  const failed = total.failed > 0 || total.passed === 0;
  const { runtime } = await cli.databases({ application: 'verify tests' });
  await writeEvidence(runtime, {
    checkId: 'P0.tests',
    phase: 'P0',
    state: failed ? 'FAIL' : 'OK',
    observed: { ...total, root, sha: before.sha, dirty },
    required: { failed: 0 },
    reason: failed ? `${total.failed} failed, ${total.passed} passed` : '',
    provenance: { ...cli.provenance, gitSha: before.sha },
  });
  return { counts: total, of: `your suite, commit ${before.sha ?? 'unknown'}${dirty ? ' with changes' : ''}` };
}

const INTEGRATION = ['-ra', '-m', 'integration', 'tests/integration'];
/** pytest's code for `no tests collected`: a suite without integration tests fails nothing. */
const NO_TESTS = 5;

/**
 * The counts of pytest's own report (`--junitxml`), which holds whatever a suite's settings and plugins print; what it could not
 * collect has failed. A suite that ended badly without a report has failed once.
 */
function countsOf(report: string, code: number): Counts {
  const suite = existsSync(report) ? /<testsuite [^>]*>/.exec(readFileSync(report, 'utf8'))?.[0] : undefined;
  const count = (name: string) => Number(new RegExp(` ${name}="(\\d+)"`).exec(suite ?? '')?.[1] ?? 0);
  const [failed, skipped] = [count('failures') + count('errors'), count('skipped')];
  return {
    passed: Math.max(0, count('tests') - failed - skipped),
    // It ended badly without counting why: an error of its own, a crash.
    failed: failed || (code === 0 || code === NO_TESTS ? 0 : 1),
    skipped,
  };
}

/** Runs a suite in its folder and gives its exit code; what it says goes to stderr. @throws UserError when it does not start. */
async function run(command: readonly string[], cwd: string, cli: Cli): Promise<number> {
  const child = spawn(command[0], command.slice(1), { cwd, env: cli.env, stdio: ['ignore', 'pipe', 'inherit'] });
  const stop = () => child.kill('SIGTERM');
  cli.signal.addEventListener('abort', stop, { once: true });
  try {
    child.stdout.setEncoding('utf8').on('data', (text: string) => cli.err(text));
    const code = await new Promise<number>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (exit) => resolve(exit ?? Exit.failed));
    });
    if (cli.signal.aborted) throw new InterruptedError('verify tests');
    return code;
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `${command[0]} does not start: ${errorMessage(error)}`,
      'Set settings.python.interpreter in programs.yaml, or put it on PATH.',
    );
  } finally {
    cli.signal.removeEventListener('abort', stop);
  }
}
