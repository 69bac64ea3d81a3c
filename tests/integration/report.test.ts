/** `prometheus report` and `compare` as commands: the page in a real browser, text, JSON, refusals. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { campaign } from '../../engines/backtest/program.ts';
import { canonicalSleeves, formatSleeve } from '../../engines/backtest/sleeves.ts';
import { campaignSpec } from '../../engines/backtest/spec.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { findBrowser, visitFile } from '../helpers/browser.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { bareEnvironment, MAIN } from '../helpers/processes.ts';
import { runProgram } from '../helpers/run-program.ts';
import { smallMarket } from '../helpers/small-market.ts';
import { storePanel } from '../helpers/store-panel.ts';

const browser = findBrowser();

let db: TestDatabases;
let home: string;
let runs: string[];

beforeAll(async () => {
  const panel = smallMarket({ seed: 7, instruments: 30, days: 200 });
  db = await createTestDatabases();
  await storePanel(db.databases, panel);
  home = mkdtempSync(path.join(tmpdir(), 'report-'));
  const { stdout } = await runProgram(
    campaignSpec,
    campaign,
    {
      marketId: 'TEST',
      start: formatDay(panel.calendar.days[80]),
      end: formatDay(panel.calendar.days[199]),
      sleeve: canonicalSleeves('S', 'TEST').map(formatSleeve),
    },
    db.databases,
  );
  runs = stdout
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(',')[0]);
});
afterAll(async () => {
  rmSync(home, { recursive: true, force: true });
  await db?.drop();
});

function prometheus(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    execFile(
      process.execPath,
      [MAIN, ...args],
      {
        cwd: home,
        maxBuffer: 1 << 26,
        env: {
          ...bareEnvironment(home, path.join(home, 'home')),
          LANG: 'C.UTF-8',
          HISTORICAL_DB_URL: db.urls.historical,
          RUNTIME_DB_URL: db.urls.runtime,
          ...env,
        },
      },
      (error, out, err) => resolve({ code: error ? Number(error.code) : 0, out, err }),
    );
  });
}

describe('report', () => {
  it.skipIf(!browser)(
    `is a page that a browser draws and that fetches nothing${browser ? '' : ' (no Chromium here)'}`,
    async () => {
      const ran = await prometheus(['report', runs[0], runs[2].slice(0, 13)]);
      expect([ran.code, ran.err]).toEqual([0, '']);
      const file = ran.out.trim();
      expect(file).toBe(path.join(home, `prometheus-report-${runs[0].slice(0, 8)}-${runs[2].slice(0, 8)}.html`));
      await visitFile(browser!, file, async ({ evaluate, requests, complaints }) => {
        expect(requests.filter((url) => !url.startsWith('file:'))).toEqual([]);
        expect(complaints).toEqual([]);
        const words = await evaluate<string>('document.body.innerText');
        expect(words).toContain('same-close, no costs: not tradable');
        expect(words).toContain('One cause is isolated: only horizon differs.');
        expect(words).toMatch(/No evidence that B differs from A|B is (better|worse) than A|made the same trades/);
        for (const head of ['Comparison', 'Figures and benchmarks', 'Curves', 'Exposures', 'Provenance'])
          expect(await evaluate<string[]>(`[...document.querySelectorAll('h2')].map((h) => h.textContent)`)).toContain(
            head,
          );
        // Each line is drawn, inside its chart, as wide as its days reach.
        const lines = await evaluate<{ title: string; inside: boolean; width: number; points: number }[]>(
          `[...document.querySelectorAll('svg.chart path')].map((line) => {
           const [own, chart] = [line.getBoundingClientRect(), line.closest('svg').getBoundingClientRect()];
           const inside = own.left >= chart.left && own.right <= chart.right && own.top >= chart.top && own.bottom <= chart.bottom;
           return { title: line.closest('figure').querySelector('figcaption').textContent, inside, width: own.width / chart.width,
                    points: line.getAttribute('d').match(/[ML]/g).length };
         })`,
        );
        expect(lines.length).toBeGreaterThanOrEqual(6);
        expect(lines.every((line) => line.inside)).toBe(true);
        const equity = lines.filter((line) => line.title.startsWith('Equity'));
        expect(equity.map(({ points }) => points)).toEqual([120, 120]);
        for (const { width } of equity) expect(width).toBeGreaterThan(0.85);
        expect(await evaluate<number>(`document.querySelectorAll('script, link, img, iframe').length`)).toBe(0);
        expect(
          await evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth'),
        ).toBe(0);
      });
    },
  );

  it('writes where it is told, prints the same as JSON, and leaves nothing half-written', async () => {
    const file = path.join(home, 'one.html');
    expect((await prometheus(['report', runs[1], '--output', file])).out).toBe(`${file}\n`);
    const page = readFileSync(file, 'utf8');
    expect(page).not.toContain('<h2>Comparison');
    expect(page).not.toContain('DEMO');
    const { run, ...json } = JSON.parse((await prometheus(['report', runs[0], runs[1], '--json'])).out);
    expect(run).toBeUndefined();
    expect(json.runs.map((one: { runId: string }) => one.runId)).toEqual([runs[0], runs[1]]);
    expect(json.runs[0].lastTrades.length).toBeGreaterThan(0);
    expect(json.comparison.pairs[0].isolates).toBe('horizon');
    // The comparison has one shape, whichever command tells of it.
    const { schema, ...compared } = JSON.parse((await prometheus(['compare', runs[0], runs[1], '--json'])).out);
    expect(json.comparison).toEqual(compared);
    const refused = await prometheus(['report', runs[0], '--output', path.join(home, 'no-folder', 'x.html')]);
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/cannot be written: .*ENOENT/);
    const unknown = await prometheus(['report', 'ffffffff']);
    expect([unknown.code, unknown.out]).toEqual([2, '']);
    expect(unknown.err).toContain("there is no run 'ffffffff'");
    expect(readdirSync(home).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('--open hands the page to the browser of the machine, or says that there is none', async () => {
    const file = path.join(home, 'open.html');
    const ran = await prometheus(['report', runs[1], '--output', file, '--open'], { BROWSER: 'no-such-browser' });
    expect(ran.code).toBe(1);
    expect(ran.err).toContain(`The page is there: ${file}`);
    expect(existsSync(file)).toBe(true);
    expect((await prometheus(['report', runs[1], '--output', file, '--open'], { BROWSER: 'true' })).code).toBe(0);
  });
});

describe('compare', () => {
  it('prints what differs before any figure, and the verdict last', async () => {
    const { code, out } = await prometheus(['compare', runs[0], runs[2], '--draws', '200']);
    expect(code).toBe(0);
    const places = ['WHAT DIFFERS', 'One cause is isolated', 'FIGURES OF THE SHARED DAYS', 'trades  ', 'verdict  '].map(
      (word) => out.indexOf(word),
    );
    expect(places).toEqual([...places].sort((x, y) => x - y));
    expect(Math.min(...places)).toBeGreaterThan(0);
    expect(out).toContain('same-close, no costs: not tradable');
    for (const line of out.split('\n')) expect([...line].length).toBeLessThanOrEqual(100);
  });
  it('prints figures as JSON with the names of tables', async () => {
    const { out } = await prometheus(['compare', runs[0], runs[2], '--draws', '200', '--json']);
    const { schema, pairs, verdict } = JSON.parse(out);
    expect([schema, typeof verdict]).toEqual([1, 'string']);
    expect(Object.keys(pairs[0]).sort()).toMatchInlineSnapshot(`
      [
        "a",
        "attribution",
        "b",
        "beyond_noise",
        "caution",
        "costs",
        "days",
        "differences",
        "exposures",
        "figures",
        "first",
        "isolates",
        "last",
        "missing",
        "slices",
        "trades",
        "verdict",
        "years",
      ]
    `);
  });
});
