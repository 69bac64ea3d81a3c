/** Pieces of the HTML report: escaping, paths, rolling figures, the page. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { htmlDocument, markdownDocument } from '../../src/report/document.ts';
import { escapeHtml, html, htmlTable } from '../../src/report/html.ts';
import { reportPage } from '../../src/report/page.ts';
import { rollingSharpe } from '../../src/report/returns.ts';
import { dateChart, pathOf } from '../../src/report/svg.ts';
import type { ReportedRun } from '../../src/report/types.ts';

const DAYS = Array.from({ length: 100 }, (_, k) => new Date(Date.UTC(2014, 0, 1 + k)).toISOString().slice(0, 10));
const RUN: ReportedRun = {
  runId: '9c20aaaa-0000-4000-8000-000000000000',
  sleeveId: '<S&H21>',
  backend: 'basic',
  start: DAYS[0],
  end: DAYS[99],
  createdAt: 0,
  complete: true,
  cumulativeReturn: 0.1,
  volatility: 0.2,
  sharpe: null,
  maxDrawdown: -0.05,
  trades: 1,
  turnoverPerDay: null,
  breakEvenCostBp: 3,
  equalWeightReturn: 0.08,
  buyAndHoldReturn: 0.07,
  activeReturn: 0.02,
  beta: 0.9,
  tradeListHash: 'h',
  caveat: 'same-close, no costs: not tradable',
  demo: false,
  provenance: { campaignId: null, version: null, build: null, gitSha: 'abc', gitDirty: null, data: null },
  spark: [],
  config: { git_sha: 'abc', note: '<script>alert(1)</script>' },
  days: DAYS,
  equity: DAYS.map((_, k) => (k === 50 ? null : 100 + k)),
  drawdown: DAYS.map(() => 0),
  tradesByDay: DAYS.map(() => 0),
  monthly: [
    { month: '2014-01', value: 0.3 },
    { month: '2014-02', value: -0.1 },
  ],
  exposures: { universe_size: DAYS.map(() => 5) },
  lastTrades: [{ date: DAYS[3], ticker: 'A"B', direction: 'BUY', size: 2, price: 10, cause: null }],
};

describe('HTML', () => {
  it('shows any text as it is, and lets none of it become markup', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const escaped = escapeHtml(text);
        expect(escaped).not.toMatch(/[<>"']/);
        const back = escaped.replace(
          /&(amp|lt|gt|quot|#39);/g,
          (_, name: string) => ({ amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" })[name]!,
        );
        expect(back).toBe(text);
        expect(html`<p>${text}</p>`.text).toBe(`<p>${escaped}</p>`);
      }),
    );
    expect(htmlTable(['<'], [['&', 1]]).text).toContain('<th scope="row">&amp;</th><td>1</td>');
  });
});

describe('charts', () => {
  it('break at gaps and lose no value', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.integer({ min: -5, max: 5 }), { nil: null })), (values) => {
        const path = pathOf(
          values,
          (k) => k,
          (v) => v,
        );
        const points = [...path.matchAll(/[ML](-?[\d.]+) (-?[\d.]+)/g)].map((m) => [Number(m[1]), Number(m[2])]);
        expect(points).toEqual(values.flatMap((v, k) => (v === null ? [] : [[k, v]])));
        const begins = values.filter((v, k) => v !== null && (k === 0 || values[k - 1] === null)).length;
        expect(path.split('M').length - 1).toBe(begins);
      }),
    );
  });
  it('without any value, and with one, are drawn', () => {
    const one = (values: (number | null)[]) =>
      dateChart('x', [{ name: 'a', dates: DAYS.slice(0, values.length), values }], { format: String }).text;
    expect(one([null, null])).toContain('no value to draw');
    expect(one([3])).not.toMatch(/NaN|Infinity/);
    expect(one([3, 3, 3])).not.toMatch(/NaN|Infinity/);
  });
});

describe('a series without any value beside one with values', () => {
  it('has no path, and the legend says why', () => {
    const dates = DAYS.slice(0, 2);
    const series = [
      { name: 'short', dates, values: [null, null] },
      { name: 'long', dates, values: [1, 2] },
    ];
    const chart = dateChart('x', series, { format: String, lacking: 'too few days' }).text;
    expect(chart).toContain('short: too few days');
    expect(chart).not.toContain('d=""');
    expect(chart.match(/<title>/g)).toHaveLength(1);
    // Each keeps its own colour and dashes.
    expect(chart).toContain('class="s1"');
    expect(chart).not.toContain('class="s0"');
  });
});

describe('rolling Sharpe ratio', () => {
  it('is that of the window, and unknown where the window is not whole or does not move', () => {
    const equity = [100, 101, 103, 102, null, 104, 105, 107, 107, 107, 107];
    const found = rollingSharpe(equity, 3);
    const returns = [0.01, 103 / 101 - 1, 102 / 103 - 1];
    const mean = (returns[0] + returns[1] + returns[2]) / 3;
    const spread = Math.sqrt(returns.reduce((sum, r) => sum + (r - mean) ** 2, 0) / 2);
    expect(found[3]).toBeCloseTo((mean / spread) * Math.sqrt(252), 10);
    expect(found.map((value) => value !== null)).toEqual([
      false,
      false,
      false,
      true,
      false,
      false,
      false,
      false,
      true,
      true,
      false,
    ]);
  });
});

describe('the page', () => {
  const page = reportPage([RUN], null, { madeAt: '2026-01-01T00:00:00.000Z', demo: true });
  it('says what is not tradable and what is a demo, and shows unknown as unknown', () => {
    expect(page).toContain('same-close, no costs: not tradable');
    expect(page).toContain('DEMO: synthetic market');
    expect(page).toContain('<th scope="row">Sharpe ratio a year</th><td>–</td>');
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
    expect(reportPage([RUN], null, { madeAt: '', demo: false })).not.toContain('DEMO');
  });
  it('says of which runs a caveat is, and of a short run that it has too few days', () => {
    const short: ReportedRun = {
      ...RUN,
      runId: 'b0b0aaaa-0000-4000-8000-000000000000',
      caveat: 'survivors only',
      days: DAYS.slice(0, 9),
      equity: RUN.equity.slice(0, 9),
      drawdown: RUN.drawdown.slice(0, 9),
      exposures: {},
    };
    const whole = { ...RUN, equity: DAYS.map((_, k) => 100 + k + (k % 3)) };
    const both = reportPage([whole, short], null, { madeAt: '', demo: false });
    expect(both).toContain('<p class="banner">&lt;S&amp;H21&gt; 9c20aaaa: same-close, no costs: not tradable</p>');
    expect(both).toContain('<p class="banner">&lt;S&amp;H21&gt; b0b0aaaa: survivors only</p>');
    expect(both).toContain('&lt;S&amp;H21&gt; b0b0aaaa: too few days');
    expect(both).not.toContain('d=""');
  });
  it('holds no script, fetches nothing, and shows names as they are', () => {
    expect(page).not.toMatch(/<script|https?:|@import|url\(|\ssrc=|\shref=/i);
    expect(page).toContain('&lt;S&amp;H21&gt;');
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  });
  it('adds months up to years', () => {
    expect(page).toContain('<td>+30.00 %</td><td>-10.00 %</td>');
    expect(page).toContain('<td>+17.00 %</td>');
  });
});

describe('a report of tables', () => {
  const made = {
    title: 'Models <judged>',
    demo: true,
    blocks: [
      { text: 'Made by', code: 'prometheus models eval <id>' },
      { heading: 'Rows & columns' },
      { columns: ['model', 'R²'], rows: [['a<b', '0.4']] },
    ],
  };

  it('is aligned Markdown', () => {
    expect(markdownDocument(made)).toBe(
      '# Models <judged>\n\n**DEMO: synthetic market, not real prices**\n\nMade by `prometheus models eval <id>`.\n\n## Rows & columns\n\n| model | R²  |\n| ----- | --- |\n| a<b   | 0.4 |\n',
    );
  });

  it('is a page of its own, with everything escaped', () => {
    const page = htmlDocument(made);
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).toContain('<h1>Models &lt;judged&gt;</h1>');
    expect(page).toContain('<p class="banner">DEMO: synthetic market, not real prices</p>');
    expect(page).toContain('<p>Made by <code>prometheus models eval &lt;id&gt;</code></p>');
    expect(page).toContain('<h2>Rows &amp; columns</h2>');
    expect(page).toContain('<tr><th scope="row">a&lt;b</th><td>0.4</td></tr>');
    expect(htmlDocument({ ...made, demo: false })).not.toContain('DEMO');
  });
});
