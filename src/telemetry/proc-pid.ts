/** Readers of Linux's /proc/PID texts (proc(5)); pure. */

export interface PidStat {
  readonly command: string;
  readonly session: number;
  /** CPU time of its own so far, in ticks. */
  readonly cpuTicks: number;
  readonly threads: number;
  /** Ticks since boot: tells a process from a later one with the same pid. */
  readonly startTicks: number;
}

/** `/proc/PID/stat`; null for a process that has ended (a zombie uses nothing any more) and for anything else. */
export function parsePidStat(text: string): PidStat | null {
  // The command may hold spaces and parentheses; fields are counted after its last ')'. State is field 3.
  const end = text.lastIndexOf(')');
  const fields = text.slice(end + 2).split(' ');
  if (end < 0 || fields.length < 20 || fields[0] === 'Z' || fields[0] === 'X') return null;
  return {
    command: text.slice(text.indexOf('(') + 1, end),
    session: Number(fields[3]),
    cpuTicks: Number(fields[11]) + Number(fields[12]),
    threads: Number(fields[17]),
    startTicks: Number(fields[19]),
  };
}

/** `/proc/PID/statm`: resident pages, and those of them that other processes may share. */
export function parseStatm(text: string): { readonly resident: number; readonly shared: number } | null {
  const [, resident, shared] = text.split(' ').map(Number);
  return Number.isFinite(resident) && Number.isFinite(shared) ? { resident, shared } : null;
}

/** `/proc/PID/io`: bytes from and to block devices. Writes that were truncated away in time never got there. */
export function parsePidIo(text: string): { readonly readBytes: number; readonly writeBytes: number } | null {
  const figure = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(text)?.[1]);
  const [readBytes, written, cancelled] = ['read_bytes', 'write_bytes', 'cancelled_write_bytes'].map(figure);
  if (!Number.isFinite(readBytes) || !Number.isFinite(written)) return null;
  return { readBytes, writeBytes: Math.max(0, written - (cancelled || 0)) };
}

export interface SystemUnits {
  readonly pageBytes: number;
  readonly ticksPerSecond: number;
}

const AT_PAGESZ = 6n;
const AT_CLKTCK = 17n;

/** `/proc/self/auxv` of a 64-bit process: pairs of key and value in the machine's byte order, which is little-endian. */
export function parseAuxv(bytes: Buffer): SystemUnits | null {
  const values = new Map<bigint, number>();
  for (let at = 0; at + 16 <= bytes.length; at += 16) {
    values.set(bytes.readBigUInt64LE(at), Number(bytes.readBigUInt64LE(at + 8)));
  }
  const [pageBytes, ticksPerSecond] = [values.get(AT_PAGESZ), values.get(AT_CLKTCK)];
  return pageBytes && ticksPerSecond ? { pageBytes, ticksPerSecond } : null;
}
