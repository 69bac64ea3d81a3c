/** What is removed and compressed by itself. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { homeAt } from '../../src/platform/home.ts';
import type { JobView } from '../../src/supervisor/protocol.ts';
import { compressLogs, expiredJobs } from '../../src/supervisor/retention.ts';
import { jobViewOf } from '../helpers/snapshots.ts';

const DAY = 86_400_000;
const NOW = 100 * DAY;
const RETENTION = { days: 30, count: 3, compressMegabytes: 1 };

const ended = (id: string, daysAgo: number, more: Partial<JobView> = {}): JobView =>
  jobViewOf({ id, state: 'DONE', createdAt: NOW - daysAgo * DAY, endedAt: NOW - daysAgo * DAY, ...more });
const gone = (jobs: readonly JobView[], waitedFor: readonly string[] = []) =>
  expiredJobs(jobs, RETENTION, NOW, new Set(waitedFor));

describe('records that go', () => {
  test('are those that are too old, or beyond the newest', () => {
    expect(gone([ended('c', 1), ended('b', 29), ended('a', 31)])).toEqual(['a']);
    expect(gone([ended('e', 1), ended('d', 1), ended('c', 1), ended('b', 1), ended('a', 1)])).toEqual(['b', 'a']);
  });

  test('are never those of living jobs, kept ones, and what a living one needs', () => {
    const running = jobViewOf({ id: 'z', createdAt: NOW - 90 * DAY, rerunOf: 'repeated' });
    const chain = { id: 'k', name: 'P1', step: 1, of: 2, label: 'x', override: null };
    const next = jobViewOf({ id: 'y', state: 'QUEUE', createdAt: NOW, chain: { ...chain, step: 2 } });
    const jobs = [
      next,
      ended('again', 50, { rerunOf: 'waited' }),
      ended('waited', 51),
      ended('first step', 52, { chain }),
      ended('repeated', 60),
      ended('kept', 70, { kept: true }),
      running,
      ended('old', 95),
    ];
    expect(gone(jobs, ['waited'])).toEqual(['old']);
    expect(gone(jobs)).toEqual(['again', 'waited', 'old']);
  });
});

describe('large logs', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'prometheus-retention-'));
    mkdirSync(path.join(root, 'jobs', '0001-x'), { recursive: true });
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  test('of jobs that ended the day before are compressed; small and fresh ones stay', async () => {
    const log = (name: string) => path.join(root, 'jobs', '0001-x', name);
    const text = 'a line of a log\n'.repeat(100_000);
    writeFileSync(log('stdout.log'), text);
    writeFileSync(log('stderr.log'), 'small\n');
    const home = homeAt(root);
    expect(await compressLogs(home, ended('0001-x', 0.5), RETENTION, NOW)).toBe(0);
    expect(existsSync(log('stdout.log'))).toBe(true);
    expect(await compressLogs(home, ended('0001-x', 2), RETENTION, NOW)).toBeGreaterThan(text.length / 2);
    expect(existsSync(log('stdout.log'))).toBe(false);
    expect(gunzipSync(readFileSync(log('stdout.log.gz'))).toString()).toBe(text);
    expect(statSync(log('stdout.log.gz')).mode & 0o777).toBe(0o600);
    expect(readFileSync(log('stderr.log'), 'utf8')).toBe('small\n');
    expect(await compressLogs(home, ended('0001-x', 2), RETENTION, NOW)).toBe(0);
  });
});
