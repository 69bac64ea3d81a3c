/** How gently a backfill goes: whether it rests at a moment and for what reason, and how long a worker rests after a shard. */

/** A backfill's own settings, kept in `console.throttles`; every worker on every machine obeys them. */
export interface Throttle {
  /** Share of its time that each worker works, above 0 up to 1. */
  readonly cpuShare?: number;
  /** Hours of the day in which shards are begun, `HH:MM-HH:MM`; from the later hour to the earlier one: across midnight. */
  readonly window?: string;
  /** IANA name of the zone whose clock the window means; UTC when left out. */
  readonly timeZone?: string;
  /** No shard is begun on a machine whose 1-minute load average is above this. */
  readonly maxLoad?: number;
}

/** What `Throttle` is judged by at a moment. */
export interface Moment {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** 1-minute load average of this machine. */
  readonly load: number;
}

const MINUTE_MS = 60_000;
/** A window that a change of the clock swallows is open on the next day. */
const SEARCHED_MINUTES = 3 * 24 * 60;

/** First and last minute of the day of `HH:MM-HH:MM`, the last one excluded; null when the text is no window. */
export function parseWindow(text: string): { readonly from: number; readonly to: number } | null {
  const match = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]|24):([0-5]\d)$/.exec(text);
  if (!match) return null;
  const [from, to] = [Number(match[1]) * 60 + Number(match[2]), Number(match[3]) * 60 + Number(match[4])];
  return to > 24 * 60 || from === to ? null : { from, to };
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** Minute of the day (0 … 1439) that a clock in the zone shows at a moment, summer time and all. */
function clockOf(timeZone: string): (epochMs: number) => number {
  const format = new Intl.DateTimeFormat('en', { timeZone, hourCycle: 'h23', hour: '2-digit', minute: '2-digit' });
  return (epochMs) => {
    const [hour, minute] = format.format(epochMs).split(':');
    return Number(hour) * 60 + Number(minute);
  };
}

/**
 * When the window opens next, in milliseconds since 1970; null while it is open.
 * Minute by minute over what the clock shows: right over every change of the clock, also where it swallows the window.
 */
export function opensAt(window: string, timeZone: string, now: number): number | null {
  const { from, to } = parseWindow(window)!;
  const clock = clockOf(timeZone);
  const isOpen = (at: number) => {
    const minute = clock(at);
    return from < to ? minute >= from && minute < to : minute >= from || minute < to;
  };
  if (isOpen(now)) return null;
  const first = Math.floor(now / MINUTE_MS) * MINUTE_MS;
  for (let k = 1; k <= SEARCHED_MINUTES; k++) if (isOpen(first + k * MINUTE_MS)) return first + k * MINUTE_MS;
  throw new Error(`the window ${window} ${timeZone} does not open within three days`);
}

/** Why no shard is begun at a moment, for people (`until 20:00 UTC (night window)`), or null. */
export function restReason(throttle: Throttle, paused: boolean, { now, load }: Moment): string | null {
  if (paused) return 'by hand';
  const { window, timeZone = 'UTC', maxLoad } = throttle;
  if (window !== undefined) {
    const opens = opensAt(window, timeZone, now);
    if (opens !== null) return `until ${window.slice(0, 5)} ${timeZone} (night window)`;
  }
  if (maxLoad !== undefined && load > maxLoad) return `while the load is above ${maxLoad}`;
  return null;
}

/** Milliseconds that a worker rests after it worked for `busyMs`, so that it works for `share` of its time. */
export const restAfter = (busyMs: number, share: number): number => (busyMs * (1 - share)) / share;
