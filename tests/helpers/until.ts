import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 15;

/**
 * Waits for a state: polls `condition` until it gives something truthy, and returns that. The deadline is there to end a
 * test that hangs; it measures nothing. @throws when the state has not come, saying `what` was waited for.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  what: string,
  deadlineMs = 30_000,
): Promise<Exclude<T, false | null | undefined | 0 | ''>> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value) return value as Exclude<T, false | null | undefined | 0 | ''>;
    if (performance.now() > end) throw new Error(`waited ${deadlineMs / 1000} s in vain for: ${what}`);
    await sleep(POLL_MS);
  }
}
