/** A small made-up panel for property tests: random walks with gaps, late listings and delistings. Not a synthetic market. */
import { makeCalendar } from '../../engines/market/calendar.ts';
import { type Instrument, makeColumn, type Panel } from '../../engines/market/panel.ts';
import { dayFromCivil } from '../../src/platform/dates.ts';
import { Random } from '../../src/platform/random.ts';

export interface SmallMarketOptions {
  readonly seed: number;
  readonly instruments: number;
  readonly days: number;
  /** Share of missing days inside a series. */
  readonly gaps?: number;
}

/** A panel of `days` trading days; every fourth instrument starts late, every fifth ends early. */
export function smallMarket({ seed, instruments: n, days, gaps = 0.002 }: SmallMarketOptions): Panel {
  const generator = new Random(seed);
  const random = () => generator.uniform();
  const start = dayFromCivil(2013, 1, 2);
  const calendar = makeCalendar('TEST', start, start + Math.ceil(days * 1.5) + 7, []);
  const days32 = calendar.days.slice(0, days);
  const columns = { open: makeColumn(n * days), close: makeColumn(n * days), volume: makeColumn(n * days) };
  const instruments = Array.from({ length: n }, (_, i): Instrument => {
    const from = i % 4 === 3 ? Math.floor(random() * days * 0.5) : 0;
    const to = i % 5 === 4 ? Math.floor(days * (0.6 + 0.4 * random())) : days;
    const volatility = 0.005 + 0.04 * random();
    const liquid = random() < 0.9;
    let price = 5 + 200 * random();
    for (let t = from; t < to; t++) {
      price *= Math.exp(volatility * (random() + random() + random() - 1.5) * 1.6);
      if (random() < gaps) continue;
      columns.open[i * days + t] = price * (0.99 + 0.02 * random());
      columns.close[i * days + t] = price;
      columns.volume[i * days + t] = Math.round((liquid ? 2e6 : 5e4) * (0.5 + random()));
    }
    return {
      id: `I${String(i).padStart(3, '0')}.T`,
      issuerId: `I${i}`,
      symbol: `I${i}`,
      sector: ['Energy', 'Materials', null][i % 3],
      delistingValue: i % 10 === 4 ? price * 0.3 : null,
    };
  });
  return {
    marketId: 'TEST',
    calendar: { marketId: 'TEST', days: days32 },
    instruments,
    columns,
    rows: 0,
    offCalendarRows: 0,
    fingerprint: '',
  };
}
