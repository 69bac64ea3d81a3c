/** Logs of programs that are not ours, read by the shim of a real job: what they prove, whatever their bytes are. */
import { spawn } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StampedEvent } from '../../src/platform/events.ts';
import { parseEvent } from '../../src/supervisor/job-events.ts';
import { JobFile, type JobSpec } from '../../src/supervisor/job-files.ts';
import { hasEnded } from '../../src/supervisor/job-state.ts';
import { createJobFolder, readJob } from '../../src/supervisor/job-store.ts';
import { createTestHome, fixtureRuntime, jobSpecOf, type TestHome } from '../helpers/jobs.ts';
import { until } from '../helpers/until.ts';

const { shim: SHIM, node: NODE } = fixtureRuntime();

/** As `python numeric-embeddings` of configs/programs.yaml has it. */
const READING = {
  progress: ['\\|\\s*(?<done>\\d+)/(?<total>\\d+) \\['],
  metrics: [{ name: 'rate', unit: 'rows/s', pattern: '(?<value>[\\d.]+)\\s*it/s' }],
  rows: ['\\bsuccess=(?<rows>\\d+)'],
  failures: [
    { pattern: '\\btotal_failures=(?<failures>\\d+)', count: 'last' as const },
    { pattern: '\\bfailures=(?<failures>\\d+)', count: 'sum' as const },
  ],
  skipped: ['\\bskipped=(?<skipped>\\d+)'],
  fatal: ['^FATAL'],
};

const LINE = '2025-12-01 14:22:06,123 INFO Date complete: success=1 failures=0 skipped=0\n';

let test: TestHome;
beforeEach(() => {
  test = createTestHome();
});
afterEach(() => test.remove());

let keys = 0;
const fileOf = (id: string, name: string) => path.join(test.home.jobs, id, name);

/** Runs a script of Node's as a foreign program to its end. `out` and `err` write bytes at once. */
async function run(script: string, change: Partial<JobSpec> = {}) {
  const prelude = `const fs = require('node:fs');
    const all = (fd) => (text) => { const b = Buffer.from(text); for (let at = 0; at < b.length; ) at += fs.writeSync(fd, b, at); };
    const out = all(1), err = all(2), event = all(Number(process.env.PROMETHEUS_EVENTS_FD));
    const date = (s, f, k = 0) => \`2025-12-01 14:22:06,123 INFO Date complete: success=\${s} failures=\${f} skipped=\${k}\\n\`;\n`;
  const file = test.at(`script ${++keys}.cjs`);
  writeFileSync(file, prelude + script);
  const spec = jobSpecOf({ argv: [NODE, file], rowsDue: true, script: READING, idempotencyKey: file, ...change });
  const { id } = await createJobFolder(test.home, spec);
  spawn(NODE, [SHIM, path.dirname(fileOf(id, 'x'))], { detached: true, stdio: 'ignore' });
  const job = await until(() => hasEnded(readJob(test.home, id).state) && readJob(test.home, id), `the end of ${id}`);
  const lines = readFileSync(fileOf(id, JobFile.events), 'utf8').split('\n');
  expect(lines.pop()).toBe('');
  const events = lines.map((line) => parseEvent(line));
  // Whole lines only, whoever wrote them.
  expect(events).not.toContain(null);
  return { ...job, events: events as StampedEvent[] };
}

describe('exit code 0', () => {
  it.each([
    ['rows', `err(date(503, 0)); err(date(502, 0));`, 'DONE', ''],
    ['no row', `err(date(0, 0));`, 'FAIL', 'exit code 0, but no row was written where rows were due'],
    ['not a word', ``, 'FAIL', 'exit code 0, but no row was written where rows were due'],
    ['everything there', `err(date(0, 0, 503));`, 'DONE', ''],
    ['failures', `err(date(415, 88));`, 'PART', 'exit code 0, but 88 items failed beside 415 new rows'],
    ['only failures', `err('x total_failures=88');`, 'FAIL', 'exit code 0, but 88 items failed and no row was written'],
    [
      'a traceback',
      `err(date(503, 0)); out('Traceback (most recent call last):\\n  File "x.py"\\nKeyError: 1\\n'); err(date(1, 0));`,
      'FAIL',
      'exit code 0, but: KeyError: 1',
    ],
    ['a fatal line', `err(date(503, 0)); out('FATAL: no disk');`, 'FAIL', 'exit code 0, but: FATAL: no disk'],
  ])('beside %s', async (_what, script, state, reason) => {
    expect(await run(script)).toMatchObject({ state, reason });
  });
});

describe('bytes', () => {
  it('of bars, of a line of 10 MB, broken UTF-8, and a last line without its end', async () => {
    const { exit, events } = await run(`
      for (let i = 1; i <= 503; i++) err(\`\\r\${i}%|██▌  | \${i}/503 [00:12<00:07, 25.9it/s, failures=7]\`);
      err('\\n');
      out('x'.repeat(10 * 1024 * 1024) + ' success=99\\n');
      out(Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0x0a]));
      const bar = Buffer.from('█ success=2\\n');
      out(bar.subarray(0, 2)); out(bar.subarray(2));
      out('success=3');`);
    // A bar that is drawn over is one line: its last words count once.
    expect(exit!.verdict).toMatchObject({ rows: 5, failures: 7, fatal: null });
    expect(events.findLast((one) => one.type === 'progress')).toMatchObject({ done: 503, total: 503 });
    expect(events.at(-1)).toMatchObject({ type: 'result', status: 'partial', summary: '5 rows, 7 failures' });
  });

  it('of a burst are all read, and all on disk', async () => {
    const { id, exit } = await run(`
      const block = Array.from({ length: 1000 }, () => date(1, 0)).join('');
      for (let i = 0; i < 300; i++) err(block);`);
    expect(exit!.verdict).toMatchObject({ rows: 300_000, failures: 0 });
    expect(statSync(fileOf(id, JobFile.stderr)).size).toBe(300_000 * LINE.length);
  });

  it('of events that the script writes itself stand beside what its lines say', async () => {
    const { exit, events } = await run(`
      for (let i = 0; i < 2000; i++) {
        err(\`|  \${i}/2000 [0, 1it/s]\\n\`);
        event(JSON.stringify({ t: 1, type: 'metric', name: 'loss', value: i, unit: '' }) + '\\n');
      }
      event(JSON.stringify({ t: 2, type: 'result', status: 'done', summary: 'mine', rows: { x: 4 } }) + '\\n');`);
    expect(exit!.verdict).toMatchObject({ rows: 4, status: 'done' });
    expect(events.filter((one) => one.type === 'metric' && one.name === 'loss').length).toBe(2000);
    expect(events.filter((one) => one.type === 'result').map((one) => one.summary)).toEqual(['mine']);
  });
});
