import type { Migration } from 'kysely/migration';
import * as prices from './0001_prices.ts';
import * as news from './0002_news.ts';
import * as embeddings from './0003_embeddings.ts';
import * as shards from './0004_shards.ts';
import * as numericKey from './0005_numeric_key.ts';
import * as issuerDays from './0006_issuer_days.ts';
import * as newsByTime from './0007_news_by_time.ts';
import * as throttle from './0008_throttle.ts';
import * as numericEntities from './0009_numeric_entities.ts';
import * as modelFits from './0010_model_fits.ts';
import * as numericFiles from './0011_numeric_files.ts';

/** The steps of the historical database, in order; each names the tables it makes. Imported statically: the product is one bundle. */
export const migrations: Record<string, Migration & { readonly tables: readonly string[] }> = {
  '0001_prices': prices,
  '0002_news': news,
  '0003_embeddings': embeddings,
  '0004_shards': shards,
  '0005_numeric_key': numericKey,
  '0006_issuer_days': issuerDays,
  '0007_news_by_time': newsByTime,
  '0008_throttle': throttle,
  '0009_numeric_entities': numericEntities,
  '0010_model_fits': modelFits,
  '0011_numeric_files': numericFiles,
};
