/** Word of the ends of jobs: which are told, and that an address which does not answer hurts nobody. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { isWorthTelling, postToWebhook } from '../../src/supervisor/notify.ts';
import { jobViewOf } from '../helpers/snapshots.ts';

const NOTIFY = { failures: true, longJobsMinutes: 10, bell: true, webhook: null };
const MINUTE = 60_000;

describe('what is told', () => {
  it.each([
    ['FAIL', 1, true],
    ['LOST', 1, true],
    ['PART', 1, true],
    ['DONE', 1, false],
    ['DONE', 11, true],
    ['STOP', 11, false],
  ] as const)('%s after %i minutes: %j', (state, minutes, told) => {
    const job = jobViewOf({ state, startedAt: 0, endedAt: minutes * MINUTE });
    expect(isWorthTelling(job, NOTIFY)).toBe(told);
    if (state === 'FAIL') expect(isWorthTelling(job, { ...NOTIFY, failures: false })).toBe(false);
  });
});

describe('the webhook', () => {
  let server: Server | null = null;
  afterEach(() => server?.close());

  it('gets one JSON object', async () => {
    const bodies: string[] = [];
    server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk) => (text += chunk)).on('end', () => bodies.push(text) && response.end());
    });
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
    const webhook = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
    await postToWebhook(jobViewOf({ state: 'FAIL', reason: 'exit code 1' }), { ...NOTIFY, webhook }, '/home');
    expect(bodies.map((body) => JSON.parse(body))).toMatchObject([
      { home: '/home', id: '0001-backtest-campaign', state: 'FAIL', reason: 'exit code 1', requestedBy: 'me@here' },
    ]);
  });

  it('that does not answer is named, and nothing is thrown', async () => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    await postToWebhook(jobViewOf({}), { ...NOTIFY, webhook: 'http://127.0.0.1:1/' }, '/home');
    expect(said.mock.calls.join('')).toContain('the webhook did not take the end of 0001-backtest-campaign');
    said.mockRestore();
  });
});
