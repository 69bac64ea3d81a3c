/** The built-in sample of `prometheus check`: a tiny market made by arithmetic alone, and what its campaign must give. */
import { dayFromCivil } from '../../src/platform/dates.ts';
import { Random } from '../../src/platform/random.ts';
import { makeCalendar } from '../market/calendar.ts';
import { type Instrument, makeColumn, type Panel, panelFingerprint } from '../market/panel.ts';

export const SAMPLE_MARKET = 'SELF_CHECK';
/** More than twenty: with fewer every name would sit at its cap of 5 %, and the scores would not matter. */
const INSTRUMENTS = 24;
const DAYS = 75;
/** The last days are simulated; those before fill the windows of 63. */
export const SAMPLE_CAMPAIGN_DAYS = 5;
const SEED = 20140105;

/** The panel of the sample: the same to the last bit on every machine (no transcendental function is involved). */
export function samplePanel(): Panel {
  const generator = new Random(SEED);
  const random = () => generator.uniform();
  const first = dayFromCivil(2014, 1, 2);
  // 75 weekdays are 15 weeks.
  const calendar = makeCalendar(SAMPLE_MARKET, first, first + 7 * (DAYS / 5) - 1, []);
  const instruments: Instrument[] = Array.from({ length: INSTRUMENTS }, (_, i) => ({
    id: `SELF_CHECK_${String(i).padStart(2, '0')}`,
    issuerId: `SELF_CHECK_${i}`,
    symbol: `CHECK${i}`,
    sector: null,
    delistingValue: null,
  }));
  const close = makeColumn(INSTRUMENTS * DAYS);
  const volume = makeColumn(INSTRUMENTS * DAYS);
  for (let i = 0; i < INSTRUMENTS; i++) {
    let price = 20 + 10 * i;
    for (let t = 0; t < DAYS; t++) {
      // Drifts and moves differ by name, so that states, scores and weights do; prices have four decimals, as stored ones do.
      price *= 1 + (i - 8) * 0.0002 + (random() - 0.5) * (0.02 + 0.006 * (i % 8));
      close[i * DAYS + t] = Math.round(price * 10_000) / 10_000;
      // The first name is too illiquid for the universe.
      volume[i * DAYS + t] = i === 0 ? 50_000 : 200_000 * (i + 1) + Math.floor(random() * 50_000);
    }
  }
  const columns = { close, volume };
  return {
    marketId: SAMPLE_MARKET,
    calendar,
    instruments,
    columns,
    rows: INSTRUMENTS * DAYS,
    offCalendarRows: 0,
    fingerprint: panelFingerprint(instruments, calendar.days, columns),
  };
}

/** What the campaign over the last five days gives with the reference broker, horizon 21 and a million dollars. */
export const SAMPLE_FIGURES = {
  equity: [1_000_000, 996_118.6551644712, 998_110.9952853676, 1_003_329.2773048391, 1_004_378.0286627773],
  universe: 23,
  fills: 115,
  maxDrawdown: -0.0038813448355285995,
} as const;
