/** A measured value in its unit, whatever the unit is: figures of jobs are told by programs of any kind. */
import { formatBytes, formatCount, formatFixed, formatPercent } from './numbers.ts';

/** The value without its unit where the unit is a word; shares are per cent, bytes in binary units. */
export function measureValue(value: number, unit: string): string {
  if (unit === 'share') return formatPercent(value, 2);
  if (unit === 'bytes' || unit === 'bytes/s') return formatBytes(Math.round(value)) + unit.slice('bytes'.length);
  if (value !== 0 && Math.abs(value) < 0.01) return String(Number(value.toPrecision(3)));
  return Math.abs(value) >= 100 || Number.isInteger(value) ? formatCount(value) : formatFixed(value, 2);
}

/** The word that the value leaves out; empty when the value says it. */
export const unitWord = (unit: string): string => (unit === 'share' || unit.startsWith('bytes') ? '' : unit);

/** Value and unit: `1,012,911 USD`, `-2.46 %`, `8.1 GiB/s`. */
export const measureText = (value: number, unit: string): string =>
  `${measureValue(value, unit)} ${unitWord(unit)}`.trim();
