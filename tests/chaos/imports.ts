/** CSV files of a second market in two versions, for imports over the same rows. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { formatDay, isWeekend, parseDay } from '../../src/platform/dates.ts';

const NAMES = ['AA', 'BB', 'CC', 'DD'];
const DAYS = 900;

/** Words after `prometheus` that import each of the two versions: the second has other prices and headlines on the same keys. */
export function importsIn(folder: string): readonly [readonly string[], readonly string[]] {
  const days: string[] = [];
  for (let day = parseDay('2013-01-02'); days.length < DAYS; day++) if (!isWeekend(day)) days.push(formatDay(day));
  const write = (name: string, header: string, lines: readonly string[]) => {
    const file = path.join(folder, name);
    writeFileSync(file, `${[header, ...lines].join('\n')}\n`);
    return file;
  };
  mkdirSync(folder, { recursive: true });
  const instruments = write(
    'instruments.csv',
    'instrument_id,issuer_id,symbol,name,sector,market_id,currency',
    NAMES.map((name) => `${name}.O,${name},${name},${name} Inc.,Energy,OTHER,USD`),
  );
  const holidays = write('holidays.csv', 'market_id,holiday_date', ['OTHER,2013-01-01', 'OTHER,2017-01-02']);
  const version = (number: number) => {
    const prices = write(
      `prices-${number}.csv`,
      'instrument_id,trade_date,open,high,low,close,adjusted_close,volume',
      NAMES.flatMap((name, i) =>
        days.map((day, t) => {
          const close = 20 + 10 * i + number + Math.round(500 * Math.sin(t / (7 + i))) / 100;
          return `${name}.O,${day},${close},${close + 1},${close - 1},${close},${close},${1000 * (t + number)}`;
        }),
      ),
    );
    const news = write(
      `news-${number}.csv`,
      'article_id,published_at,instrument_id,headline,source,section',
      days.map((day, t) => `A${t},${day}T14:00:00Z,${NAMES[t % 4]}.O,version ${number} of item ${t},wire,`),
    );
    const files = ['--instruments', instruments, '--holidays', holidays, '--prices', prices, '--news', news];
    return ['data', 'import', ...files, '--market', 'OTHER'];
  };
  return [version(1), version(2)];
}
