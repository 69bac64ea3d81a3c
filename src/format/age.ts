/** Times and ages as an operator reads them. All times are UTC. */
import { UNKNOWN } from './numbers.ts';

/**
 * How long ago, in one unit: `now` (less than a minute), `4 m`, `3 h`, `2 d`. No finer, so that a screen on which nothing happens
 * stands still: what is fresh is read again every few seconds, and the console says when it is not.
 */
export function formatAge(ms: number | null | undefined): string {
  if (typeof ms !== 'number' || !Number.isFinite(ms)) return UNKNOWN;
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 60) return 'now';
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** An age in words: `just now`, `4 m ago`. */
export function formatAgo(ms: number | null | undefined): string {
  const age = formatAge(ms);
  return age === 'now' ? 'just now' : `${age} ago`;
}

/** `14:22:07` of an instant in milliseconds since 1970. */
export function formatClock(at: number | null | undefined): string {
  return typeof at === 'number' && Number.isFinite(at) ? new Date(at).toISOString().slice(11, 19) : UNKNOWN;
}

/** `14:22` of an instant. */
export const formatMinute = (at: number | null | undefined): string => formatClock(at).slice(0, 5);

/** `2025-12-08 14:22` of an instant. */
export function formatInstant(at: number | null | undefined): string {
  return typeof at === 'number' && Number.isFinite(at)
    ? new Date(at).toISOString().slice(0, 16).replace('T', ' ')
    : UNKNOWN;
}

/** `1:05`, `12:31:07`: how long something has run, for columns. */
export function formatElapsed(ms: number | null | undefined): string {
  if (typeof ms !== 'number' || !Number.isFinite(ms) || ms < 0) return UNKNOWN;
  const seconds = Math.floor(ms / 1000);
  const two = (n: number) => String(n).padStart(2, '0');
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
