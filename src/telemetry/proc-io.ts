/** Readers of Linux's /proc texts about block devices, mounts and network interfaces (proc(5)); pure. */
import path from 'node:path';

/** Bytes that passed since boot. */
export interface Traffic {
  readonly inBytes: number;
  readonly outBytes: number;
}

export interface Mount {
  readonly point: string;
  /** `254:0`; major 0 is a file system without a device of its own (network, memory, btrfs). */
  readonly number: string;
  /** `/dev/nvme0n1p2`, or whatever the file system calls its source. */
  readonly source: string;
}

/** The kernel counts in these, whatever the device's own blocks are. */
const SECTOR_BYTES = 512;

/** `/proc/diskstats`: bytes read (in) and written (out), by `major:minor` and by the device's name. */
export function parseDiskTraffic(text: string): Map<string, Traffic & { readonly device: string }> {
  const devices = new Map<string, Traffic & { device: string }>();
  for (const line of text.split('\n')) {
    const [major, minor, device, , , read, , , , written] = line.trim().split(/\s+/);
    const traffic = { device, inBytes: Number(read) * SECTOR_BYTES, outBytes: Number(written) * SECTOR_BYTES };
    if (!Number.isFinite(traffic.inBytes) || !Number.isFinite(traffic.outBytes)) continue;
    devices.set(`${major}:${minor}`, traffic);
    devices.set(device, traffic);
  }
  return devices;
}

/** `/proc/self/mountinfo`, in the order of mounting. */
export function parseMounts(text: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split('\n')) {
    // `36 35 98:0 /root /point options optional… - type source options`; odd characters are octal.
    const match = /^\d+ \d+ (\d+:\d+) \S+ (\S+) .*? - \S+ (\S+)/.exec(line);
    if (match) mounts.push({ number: match[1], point: unescapeOctal(match[2]), source: unescapeOctal(match[3]) });
  }
  return mounts;
}

const unescapeOctal = (text: string) =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** The mount that an absolute path without links lies on: the deepest, and of several at one point the last. */
export function mountOf(mounts: readonly Mount[], file: string): Mount | null {
  let found: Mount | null = null;
  for (const mount of mounts) {
    const inside = mount.point === '/' || file === mount.point || file.startsWith(mount.point + path.sep);
    if (inside && (!found || mount.point.length >= found.point.length)) found = mount;
  }
  return found;
}

/** `/proc/net/dev`: bytes received (in) and sent (out), by interface. */
export function parseNetTraffic(text: string): Map<string, Traffic> {
  const interfaces = new Map<string, Traffic>();
  for (const line of text.split('\n')) {
    const match = /^\s*(\S+):\s*(.+)$/.exec(line);
    const fields = match?.[2].trim().split(/\s+/).map(Number) ?? [];
    if (match && fields.length >= 9 && fields.every(Number.isFinite))
      interfaces.set(match[1], { inBytes: fields[0], outBytes: fields[8] });
  }
  return interfaces;
}

/** Growth a second of a counter; null without a reading before, and when the counter began anew. */
export function rate(before: number | undefined, after: number | undefined, seconds: number): number | null {
  if (before === undefined || after === undefined || !(seconds > 0) || after < before) return null;
  return (after - before) / seconds;
}
