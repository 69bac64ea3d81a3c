/**
 * Ends a test run with the plain line `N passed, N failed, N skipped`, which any CI can read, and keeps a record of a
 * full run. `bin/test` tells by the environment which static checks went before (they count as one each), when it
 * began, and where the record goes; without that only the line is printed.
 */
import { execFileSync } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
import type { Reporter, TestModule, TestRunEndReason, TestSuite } from 'vitest/node';

type Counts = { passed: number; failed: number; skipped: number };

/** What `dist/tests.json` holds. */
export type TestRecord = Counts & {
  schema: 1;
  staticChecks: Record<string, boolean>;
  /** The commit that was checked out, and whether files differed from it at the start or the end; null without git. */
  sha: string | null;
  dirty: boolean | null;
  build: string | null;
  startedAt: string;
  finishedAt: string;
  durationSeconds: number;
};

export default class ClosingLineReporter implements Reporter {
  readonly #env = { ...process.env };
  readonly #startedAt = new Date(this.#env.PROMETHEUS_TEST_STARTED ?? Date.now());
  readonly #commit = readCommit();
  #counts: Counts | undefined;
  #interrupted = false;

  onInit(): void {
    // The very last moment: after this, neither a summary nor a teardown can print below the closing line.
    process.once('exit', (code) => this.#close(code));
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[], reason: TestRunEndReason): void {
    this.#interrupted = reason === 'interrupted';
    this.#counts = countTests(modules);
    this.#counts.failed += unhandled.length;
  }

  #close(code: number): void {
    const counts = this.#counts ?? { passed: 0, failed: 0, skipped: 0 };
    // The run failed outside of any test: a global setup, a teardown, no test found.
    if (code !== 0 && counts.failed === 0) counts.failed = 1;
    const staticChecks = readStaticChecks(this.#env.PROMETHEUS_STATIC_CHECKS);
    for (const ok of Object.values(staticChecks)) counts[ok ? 'passed' : 'failed'] += 1;
    const target = this.#env.PROMETHEUS_TEST_RECORD;
    if (target && !this.#interrupted) this.#record(target, counts, staticChecks);
    process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
  }

  #record(target: string, counts: Counts, staticChecks: Record<string, boolean>): void {
    const finishedAt = new Date();
    const commit = readCommit();
    const record: TestRecord = {
      schema: 1,
      ...counts,
      staticChecks,
      sha: this.#commit?.sha ?? null,
      dirty: this.#commit && commit ? this.#commit.dirty || commit.dirty || this.#commit.sha !== commit.sha : null,
      build: this.#env.PROMETHEUS_BUILD ?? null,
      startedAt: this.#startedAt.toISOString(),
      finishedAt: finishedAt.toISOString(),
      durationSeconds: (finishedAt.getTime() - this.#startedAt.getTime()) / 1000,
    };
    const temporary = `${target}.${process.pid}`;
    try {
      writeFileSync(temporary, `${JSON.stringify(record, null, 2)}\n`);
      renameSync(temporary, target);
    } catch (error) {
      process.stderr.write(`The record ${target} was not written: ${(error as Error).message}\n`);
    }
  }
}

function countTests(modules: readonly TestModule[]): Counts {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const module of modules) {
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      counts[state === 'pending' ? 'skipped' : state] += 1;
    }
    // A file that does not load or a hook that throws fails although no test of it does.
    const containers: (TestModule | TestSuite)[] = [module, ...module.children.allSuites()];
    counts.failed += containers.filter((container) => container.errors().length > 0).length;
  }
  return counts;
}

/** Reads `biome=pass tsc=fail`. */
function readStaticChecks(text: string | undefined): Record<string, boolean> {
  const pairs = (text ?? '').split(' ').filter(Boolean);
  return Object.fromEntries(pairs.map((pair) => pair.split('=')).map(([name, outcome]) => [name, outcome === 'pass']));
}

function readCommit(): { sha: string; dirty: boolean } | undefined {
  const git = (...args: string[]) =>
    execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    return { sha: git('rev-parse', 'HEAD'), dirty: git('status', '--porcelain') !== '' };
  } catch {
    return undefined;
  }
}
