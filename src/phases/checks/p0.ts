/** Phase 0, sanity: the test run, both databases, prices against the calendar, news. */
import { civilFromDay, formatDay, isWeekend, parseDay } from '../../platform/dates.ts';
import { longestRun, uncoveredByHolidays, yearOf } from '../calendar.ts';
import { type CheckSpec, type Facts, figureOf, type Judgment, notOk, ok } from '../check.ts';
import type { EvidenceRow, PriceExtent, PriceGaps, SchemaState, Suite } from '../evidence.ts';
import { ageInDays, count, counted, importing, percent, range, some } from '../words.ts';

const IMPORT_PRICES = importing('prices');
const IMPORT_HOLIDAYS = importing('holidays');
const IMPORT_NEWS = importing('news');

const tests: CheckSpec = {
  id: 'P0.tests',
  title: 'test run of this build, or of your own suite',
  required: () => 'a run of bin/test on this build without failures; where python.root is set, of pytest on its commit',
  looks: ({ tests, suite, suiteRun }) => [suite ? suiteRun : tests],
  holdsBack: [],
  judge: ({ evidence, build, now }) => {
    if (evidence.suite) return judgeSuite(evidence.suite, figureOf(evidence.suiteRun), now);
    const record = figureOf(evidence.tests);
    const fix = 'bin/test';
    if (!record)
      return notOk('WAIT', 'no record', 'no test run is recorded in this checkout', fix, 'no test run recorded');
    const observed = `${count(record.passed)} passed, ${count(record.failed)} failed, ${count(record.skipped)} skipped`;
    if (build === null || record.build !== build) {
      const of = `of another build (${record.build ?? 'unknown'}; this one is ${build ?? 'not a build'})`;
      return notOk(
        'WAIT',
        `${observed} · another build`,
        `the recorded test run is ${of}`,
        fix,
        'no test run of this build',
        record.finishedAt,
      );
    }
    if (record.failed > 0) {
      return notOk(
        'FAIL',
        observed,
        `${counted(record.failed, 'test')} failed ${ageInDays(record.finishedAt, now)}`,
        fix,
        undefined,
        record.finishedAt,
      );
    }
    if (record.passed === 0)
      return notOk('FAIL', observed, 'the recorded run tested nothing', fix, undefined, record.finishedAt);
    return ok(observed, `${count(record.passed)} tests passed`, record.finishedAt);
  },
};

/** The user's own suite: the newest record counts for the commit that was checked out then. */
function judgeSuite({ root, sha }: Suite, run: EvidenceRow | null, now: number): Judgment {
  const fix = 'verify tests';
  const of = (run?.observed ?? {}) as Record<string, unknown>;
  const [passed, failed, skipped] = ['passed', 'failed', 'skipped'].map((name) => count(Number(of[name])));
  if (!run || of.root !== root)
    return notOk('WAIT', 'no record', `no run of the tests in ${root} is recorded`, fix, 'no test run recorded');
  const observed = `pytest: ${passed} passed, ${failed} failed, ${skipped} skipped${of.dirty ? ' · with changes' : ''}`;
  const commit = (one: unknown) => (typeof one === 'string' ? one.slice(0, 7) : 'unknown');
  if (sha === null || of.sha !== sha) {
    const reason = `the recorded test run is of another commit (${commit(of.sha)}; ${commit(sha)} is checked out)`;
    return notOk('WAIT', `${observed} · another commit`, reason, fix, 'no test run of this commit', run.at);
  }
  if (run.state !== 'OK')
    return notOk(
      'FAIL',
      observed,
      `${failed} failed, ${passed} passed, ${ageInDays(run.at, now)}`,
      fix,
      undefined,
      run.at,
    );
  return ok(observed, `${passed} tests of yours passed at ${commit(sha)}`, run.at);
}

const databases: CheckSpec = {
  id: 'P0.databases',
  title: 'both databases reachable and migrated',
  required: () => 'historical and runtime answer and hold every table relied upon',
  looks: (evidence) => [evidence.historicalSchema, evidence.runtimeSchema],
  progress: false,
  judge: ({ evidence }) => {
    const both: [string, SchemaState][] = [
      ['historical', figureOf(evidence.historicalSchema)],
      ['runtime', figureOf(evidence.runtimeSchema)],
    ];
    const missing = both.flatMap(([name, state]) => state.missingTables.map((table) => `${name}.${table}`));
    const pending = both.flatMap(([name, state]) => state.pending.map((step) => `${name} ${step}`));
    const observed = both
      .map(([name, s]) => `${name}: ${s.adopted ? 'adopted, ' : ''}${counted(s.applied, 'migration')}`)
      .join(' · ');
    const nothing = both.find(([, state]) => state.applied === 0 && !state.adopted && state.missingTables.length > 0);
    if (nothing) {
      return notOk(
        'WAIT',
        observed,
        `the tables of the ${nothing[0]} database have not been made yet`,
        'db migrate',
        'no tables yet',
      );
    }
    const swapped = both.find(([, state]) => state.swapped);
    if (swapped) {
      const other = swapped[0] === 'historical' ? 'runtime' : 'historical';
      const what = `the ${swapped[0]} database is the ${other} one: swap the two in HISTORICAL_DB_… and RUNTIME_DB_…, or in --historical and --runtime`;
      return notOk('FAIL', observed, what, null, 'the two databases are swapped');
    }
    if (missing.length) {
      return notOk(
        'FAIL',
        `${observed} · ${counted(missing.length, 'table')} missing`,
        `missing: ${some(missing, 5)}${pending.length ? '' : '; no step brings back what was lost, a backup does'}`,
        pending.length ? 'db migrate' : 'db status',
        'tables are missing',
      );
    }
    if (pending.length) {
      return notOk('PART', observed, `not applied yet: ${some(pending, 5)}`, 'db migrate', 'migrations are pending');
    }
    return ok(observed, 'both databases answer');
  },
};

const prices: CheckSpec = {
  id: 'P0.prices',
  title: 'daily prices over the required range',
  required: (need) => `${need.prices.start} → ${need.prices.end}${need.demoNote}`,
  looks: (evidence) => [evidence.prices, evidence.holidays],
  opensWhen: ['OK', 'PART', 'STALE'],
  judge: ({ evidence, need }) => {
    const extent = figureOf(evidence.prices);
    if (extent.first === null || extent.last === null) {
      return notOk('WAIT', '0 rows', 'prices_daily is empty', IMPORT_PRICES, 'no prices yet');
    }
    const observed = `${counted(extent.rows, 'row')} · ${counted(extent.instruments, 'instrument')} · ${range(extent.first, extent.last)}`;
    const brief = `prices ${range(extent.first, extent.last)}`;
    const short = shortfall(extent, figureOf(evidence.holidays), need);
    const problems = [
      ...short,
      ...(extent.duplicates
        ? [`${counted(extent.duplicates, 'row')} repeat an instrument and day that is already there`]
        : []),
    ];
    if (!problems.length) return ok(observed, brief);
    const wanted = `${brief} of ${need.prices.start} → ${need.prices.end}`;
    return notOk('PART', observed, problems.join('; '), IMPORT_PRICES, short.length ? wanted : problems[0]);
  },
};

/** Trading days missing before the first and after the last price. */
function shortfall(extent: PriceExtent, holidays: readonly number[], need: Facts['need']): string[] {
  const closed = new Set(holidays);
  const trading = (from: number, to: number) => {
    let days = 0;
    for (let day = from; day <= to; day++) if (!isWeekend(day) && !closed.has(day)) days++;
    return days;
  };
  const early = trading(parseDay(need.prices.start), extent.first! - 1);
  const late = trading(extent.last! + 1, parseDay(need.prices.end));
  return [
    ...(early
      ? [`prices begin ${formatDay(extent.first!)}, ${counted(early, 'trading day')} after ${need.prices.start}`]
      : []),
    ...(late
      ? [`prices end ${formatDay(extent.last!)}, ${counted(late, 'trading day')} before ${need.prices.end}`]
      : []),
  ];
}

const holidays: CheckSpec = {
  id: 'P0.holidays',
  title: 'holiday table covers the prices',
  required: () => 'a holiday row within 400 days of every day that has to have prices',
  looks: (evidence) => [evidence.holidays, evidence.prices],
  judge: ({ evidence, need }) => {
    const rows = figureOf(evidence.holidays);
    const extent = figureOf(evidence.prices);
    if (!rows.length) {
      const state = extent.first === null ? 'WAIT' : 'FAIL';
      const what = `market_holidays has no row of ${need.market}`;
      const why = state === 'FAIL' ? `${what}: every holiday would count as a trading day without prices` : what;
      return notOk(state, '0 rows', why, IMPORT_HOLIDAYS, 'no holidays yet');
    }
    const observed = `${counted(rows.length, 'holiday')} · ${range(rows[0], rows[rows.length - 1])}`;
    if (extent.first === null || extent.last === null) return ok(observed);
    const bare = uncoveredByHolidays(extent.first, extent.last, rows);
    if (!bare) return ok(observed);
    const what = `${counted(bare.days, 'day')} with prices have no holiday row within 400 days, the first is ${formatDay(bare.first)}, the last ${formatDay(bare.last)}`;
    return notOk('PART', observed, what, IMPORT_HOLIDAYS, `no holidays around ${formatDay(bare.first)}`);
  },
};

const gaps: CheckSpec = {
  id: 'P0.gaps',
  title: 'prices are continuous',
  required: ({ gaps: g }) =>
    `≥ ${percent(g.minShare)} of trading days and of instrument days; no more than ${counted(g.marketDays, 'day')} in a row without any price; ≥ ${percent(g.instrumentShare)} of instruments without a hole of more than ${counted(g.instrumentDays, 'day')}`,
  looks: (evidence) => [evidence.holidays, evidence.prices, evidence.gaps],
  opensWhen: ['OK', 'PART', 'STALE'],
  judge: ({ evidence, need }) => {
    const extent = figureOf(evidence.prices);
    if (extent.first === null || extent.last === null) {
      return notOk('WAIT', '–', 'there are no prices to look for gaps in', IMPORT_PRICES, 'no prices yet');
    }
    const bare = uncoveredByHolidays(extent.first, extent.last, figureOf(evidence.holidays));
    if (bare) {
      const what = `without holidays around ${formatDay(bare.first)} a gap cannot be told from a holiday`;
      return notOk('BLKD', '–', what, IMPORT_HOLIDAYS, 'holidays are missing');
    }
    return judgeGaps(extent, figureOf(evidence.gaps), need);
  },
};

function judgeGaps(extent: PriceExtent, found: PriceGaps, need: Facts['need']): Judgment {
  const { gaps: allowed } = need;
  const trading = found.calendar.count(extent.first!, extent.last!);
  const marketShare = trading ? 1 - found.emptyDays.length / trading : 0;
  const lacking = found.missing.reduce((sum, one) => sum + one.days, 0);
  const cellShare = found.expected ? 1 - lacking / found.expected : 0;
  const tooLong = found.holes.filter((hole) => hole.days > allowed.instrumentDays);
  const keptShare = extent.instruments ? 1 - tooLong.length / extent.instruments : 0;
  const emptyRun = longestRun(found.emptyDays.map((day) => found.calendar.indexOnOrAfter(day)));

  const [worst] = found.holes;
  const longest = worst
    ? `longest hole ${worst.instrument} ${counted(worst.days, 'day')} (${range(worst.from, worst.to)})`
    : 'no hole';
  const observed = `${percent(marketShare)} of ${counted(trading, 'trading day')} · ${percent(cellShare)} of instrument days · ${longest}`;

  const problems: string[] = [];
  if (emptyRun && emptyRun.length > allowed.marketDays) {
    const from = found.calendar.days[emptyRun.start];
    const to = found.calendar.days[emptyRun.start + emptyRun.length - 1];
    const where = emptyRun.length === 1 ? formatDay(from) : range(from, to);
    problems.push(
      `no instrument has a price on ${counted(found.emptyDays.length, 'trading day')}, at most ${emptyRun.length} in a row (${where})`,
    );
  } else if (marketShare < allowed.minShare) {
    problems.push(`no instrument has a price on ${counted(found.emptyDays.length, 'trading day')}`);
  }
  if (cellShare < allowed.minShare) {
    const names = found.missing.map((one) => `${one.instrument} ${count(one.days)}`);
    problems.push(`${counted(lacking, 'instrument day')} are missing: ${some(names)}`);
  }
  if (keptShare < allowed.instrumentShare) {
    const names = tooLong.map((hole) => `${hole.instrument} ${count(hole.days)}`);
    problems.push(
      `${counted(tooLong.length, 'instrument')} of ${count(extent.instruments)} ${tooLong.length === 1 ? 'has' : 'have'} a hole of more than ${counted(allowed.instrumentDays, 'day')}: ${some(names)}`,
    );
  }
  if (!problems.length) return ok(observed, `${percent(marketShare)} of trading days`);
  return notOk('PART', observed, problems.join('; '), IMPORT_PRICES, worst ? longest : problems[0]);
}

const news: CheckSpec = {
  id: 'P0.news',
  title: 'several years of news',
  required: ({ news: n }) => `≥ ${count(n.minYears)} years (months with articles, from ${n.fromYear} on)`,
  looks: (evidence) => [evidence.news],
  // News feeds the text embeddings of Phase 4; a baseline on prices does not wait for it.
  holdsBack: ['P4', 'P5'],
  opensWhen: ['OK', 'PART', 'STALE'],
  judge: ({ evidence, need }) => {
    const days = figureOf(evidence.news);
    if (!days.length) return notOk('WAIT', '0 rows', 'news_articles is empty', IMPORT_NEWS, 'no news yet');
    const rows = days.reduce((sum, one) => sum + one.articles, 0);
    const months = new Set(
      days
        .filter((one) => yearOf(one.day) >= need.news.fromYear)
        .map((one) => civilFromDay(one.day).year * 12 + civilFromDay(one.day).month),
    ).size;
    const span = range(days[0].day, days[days.length - 1].day);
    const observed = `${counted(rows, 'article')} · ${span} · ${counted(months, 'month')} from ${need.news.fromYear} on`;
    if (months >= need.news.minYears * 12) return ok(observed, `news ${span}`);
    const years = (months / 12).toFixed(1);
    const what = `${counted(months, 'month')} with articles from ${need.news.fromYear} on are ${years} years of the ${count(need.news.minYears)} asked for`;
    return notOk('PART', observed, what, IMPORT_NEWS, `news: ${years} of ${count(need.news.minYears)} years`);
  },
};

export const P0_CHECKS: readonly CheckSpec[] = [databases, prices, holidays, gaps, news, tests];
