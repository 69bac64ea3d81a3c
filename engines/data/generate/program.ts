/** `prometheus data generate`: the synthetic market as CSV files. */
import path from 'node:path';
import { formatCount } from '../../../src/format/numbers.ts';
import { Exit } from '../../../src/platform/errors.ts';
import type { Program } from '../../../src/platform/program.ts';
import { writeMarketFiles } from './csv.ts';
import { generateMarket } from './market.ts';
import type { dataGenerateSpec } from './spec.ts';

export const program: Program<typeof dataGenerateSpec> = async (args, { events, signal }) => {
  const { output, json: _, ...options } = args;
  const folder = path.resolve(output);
  const market = generateMarket(options);
  const files = await writeMarketFiles(market, folder, events, signal);
  events.emit({ type: 'artifact', kind: 'folder', id: 'synthetic market', path: folder });
  const rows = files.reduce((sum, file) => sum + file.rows, 0);
  const summary = `${files.length} files with ${formatCount(rows)} rows of the synthetic market (seed ${options.seed}) in ${folder}`;
  return { exitCode: Exit.done, summary, data: { folder, market: market.fingerprint, files } };
};
