/** Puts a panel into a pair of test databases, as an import would. */
import type { Panel } from '../../engines/market/panel.ts';
import { formatDay, isWeekend } from '../../src/platform/dates.ts';
import { copyInto } from '../../src/platform/db/copy.ts';
import type { Databases } from '../../src/platform/db/databases.ts';

/** Writes market, issuers, instruments, prices, and every weekday that the calendar leaves out as a holiday. */
export async function storePanel(databases: Databases, panel: Panel): Promise<void> {
  const { days } = panel.calendar;
  await databases.runtime.transaction(async (client) => {
    await client.query(
      `INSERT INTO markets (market_id, name, region, timezone, updated_at) VALUES ($1, 'Test', 'US', 'America/New_York', now())`,
      [panel.marketId],
    );
    for (const { id, issuerId, symbol, sector, delistingValue } of panel.instruments) {
      await client.query(
        `INSERT INTO issuers (issuer_id, issuer_type, name, sector, updated_at) VALUES ($1, 'CORPORATION', $1, $2, now())`,
        [issuerId, sector],
      );
      await client.query(
        `INSERT INTO instruments (instrument_id, issuer_id, market_id, asset_class, symbol, currency, status, metadata, updated_at)
         VALUES ($1, $2, $3, 'EQUITY', $4, 'USD', 'ACTIVE', $5, now())`,
        [id, issuerId, panel.marketId, symbol, delistingValue === null ? {} : { delisting_value: delistingValue }],
      );
    }
  });
  await databases.historical.transaction(async (client) => {
    const open = new Set(days);
    for (let day = days[0]; day <= days[days.length - 1]; day++) {
      if (isWeekend(day) || open.has(day)) continue;
      await client.query(`INSERT INTO market_holidays VALUES ($1, $2, 'Holiday', 'test', now())`, [
        panel.marketId,
        formatDay(day),
      ]);
    }
    // One far holiday keeps a calendar without any from looking like a missing table.
    await client.query(`INSERT INTO market_holidays VALUES ($1, $2, 'Holiday', 'test', now())`, [
      panel.marketId,
      formatDay(nextWeekday(days[0] - 1)),
    ]);
    await copyPanel(client, panel);
  });
}

function nextWeekday(day: number): number {
  return isWeekend(day) ? nextWeekday(day - 1) : day;
}

/** COPY of every price row of the panel; columns it lacks are filled from the close. */
export async function copyPanel(client: Parameters<typeof copyInto>[0], panel: Panel): Promise<void> {
  const { days } = panel.calendar;
  const { close, open = close, high = close, low = close, adjusted_close: adjusted = close, volume } = panel.columns;
  const columns = [
    'instrument_id',
    'trade_date',
    'open',
    'high',
    'low',
    'close',
    'adjusted_close',
    'volume',
    'currency',
  ];
  await copyInto(client, 'prices_daily', columns, async (writer) => {
    for (let i = 0; i < panel.instruments.length; i++) {
      for (let t = 0; t < days.length; t++) {
        const at = i * days.length + t;
        if (Number.isNaN(close![at])) continue;
        writer.row(9);
        writer.text(panel.instruments[i].id);
        writer.date(days[t]);
        for (const column of [open, high, low, close, adjusted, volume]) writer.float64(column![at]);
        writer.text('USD');
      }
      await writer.flushed();
    }
  });
}
