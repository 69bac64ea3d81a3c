/** Numbers as people read them. Unknown (null, undefined, NaN) is always `–`. */

export const UNKNOWN = '–';

type Maybe = number | null | undefined;

const known = (value: Maybe): value is number => typeof value === 'number' && Number.isFinite(value);

/** `1234567` → `1,234,567`; fractions are rounded away above 100. */
export function formatCount(value: Maybe): string {
  if (!known(value)) return UNKNOWN;
  return grouped(value.toFixed(Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : 1));
}

/** The whole part in groups of three: `1234.5` → `1,234.5`. */
const grouped = (digits: string): string => digits.replace(/\B(?<!\.\d*)(?=(\d{3})+(?!\d))/g, ',');

/** A count in at most five cells: `20,123` → `20.1k`. */
export function formatShortCount(value: Maybe): string {
  if (!known(value)) return UNKNOWN;
  const unit = [1e9, 1e6, 1e3].find((one) => Math.abs(value) >= one);
  if (!unit) return String(Math.round(value));
  const scaled = value / unit;
  return `${scaled.toFixed(Math.abs(scaled) >= 99.95 ? 0 : 1)}${{ 1e9: 'G', 1e6: 'M', 1e3: 'k' }[unit]}`;
}

/** A share as a percentage: `0.0438` → `+4.38 %` with `sign`. */
export function formatPercent(share: Maybe, digits = 2, sign = false): string {
  if (!known(share)) return UNKNOWN;
  const text = grouped((share * 100).toFixed(digits));
  return `${sign && share > 0 ? '+' : ''}${text} %`;
}

/** A share of what is expected, rounded down: only what is complete is `100 %`. */
export function formatShare(share: Maybe, digits = 1): string {
  if (!known(share)) return UNKNOWN;
  if (share >= 1) return '100 %';
  const scale = 10 ** digits;
  // The product of a ratio may lie a hair below the digit that the ratio is: 0.29 × 100.
  const parts = Math.min(Math.floor(share * 100 * scale + 1e-9), 100 * scale - 1);
  return `${(parts / scale).toFixed(digits)} %`;
}

/** With so many digits behind the point: `1234.5` → `1,234.50`. */
export function formatFixed(value: Maybe, digits: number): string {
  return known(value) ? grouped(value.toFixed(digits)) : UNKNOWN;
}

/** Seconds as the two largest units: `95` → `1 m 35 s`. */
export function formatDuration(seconds: Maybe): string {
  if (!known(seconds) || seconds < 0) return UNKNOWN;
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} m ${s % 60} s`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} m`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}

/** Bytes in binary units: `1536` → `1.5 KiB`. */
export function formatBytes(bytes: Maybe): string {
  if (!known(bytes)) return UNKNOWN;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
