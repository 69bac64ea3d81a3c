import { expect, it } from 'vitest';
import { snakeCased } from '../../src/cli/json.ts';

it('figures have snake_case keys at every depth; keys and values that are data stay as they are', () => {
  expect(
    snakeCased({
      dryRun: true,
      findingsFile: null,
      r2: 0.5,
      icDemeanedT: 2,
      tables: { prices_daily: { read: 1 }, 'AAPL.US': 2, US_CORE_LONG_EQ_H5: 3, 'lambda-score-weight': 4 },
      rows: [{ sleeveId: 'camelCase', day: '2014-01-02' }],
    }),
  ).toEqual({
    dry_run: true,
    findings_file: null,
    r2: 0.5,
    ic_demeaned_t: 2,
    tables: { prices_daily: { read: 1 }, 'AAPL.US': 2, US_CORE_LONG_EQ_H5: 3, 'lambda-score-weight': 4 },
    rows: [{ sleeve_id: 'camelCase', day: '2014-01-02' }],
  });
});
