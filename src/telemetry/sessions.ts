/** The processes of sessions: a job leads a session of its own, and what it starts stays in it unless it leaves. */
import { readdirSync, readFileSync } from 'node:fs';
import { parsePidStat } from './proc-pid.ts';

/** Pids by session, for the sessions that these processes lead. Empty where there is no procfs. */
export function sessionPids(leaders: readonly number[], procRoot = '/proc'): Map<number, number[]> {
  const found = new Map<number, number[]>(leaders.map((leader) => [leader, []]));
  if (leaders.length === 0) return found;
  let names: string[];
  try {
    names = readdirSync(procRoot);
  } catch {
    return found;
  }
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = parsePidStat(readFileSync(`${procRoot}/${name}/stat`, 'utf8'));
      if (stat) found.get(stat.session)?.push(Number(name));
    } catch {
      // It has ended meanwhile.
    }
  }
  return found;
}
