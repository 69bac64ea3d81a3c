import { expect, test } from 'vitest';
import { samplePanel } from '../../engines/verify/sample.ts';
import { simulateSample } from '../../engines/verify/self-check.ts';

test('the built-in sample is the same every time, and its campaign gives the stored figures', () => {
  expect(samplePanel().fingerprint).toBe(samplePanel().fingerprint);
  const { result } = simulateSample(samplePanel());
  expect(result.fills.day.length).toBe(115);
  // Scores matter: the names do not all sit at the cap.
  expect(new Set(result.snapshots.marketValue.map(Math.round)).size).toBeGreaterThan(5);
});

test('a price that is off by a thousandth is found', () => {
  const panel = samplePanel();
  const close = Float64Array.from(panel.columns.close!);
  close[close.length - 1] *= 1.001;
  expect(() => simulateSample({ ...panel, columns: { ...panel.columns, close } })).toThrow(
    /^equity of day 5 is [\d.]+, not [\d.]+$/,
  );
});
