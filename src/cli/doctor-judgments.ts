/** What `prometheus doctor` makes of what it saw; pure, so that every case can be tested with recorded inputs. */
import { formatBytes } from '../format/numbers.ts';

/** `UNKN`: it could not be looked at. Only `FAIL` stops the product from working. */
export type FindingState = 'OK' | 'WARN' | 'FAIL' | 'UNKN';

export interface Finding {
  readonly name: string;
  readonly state: FindingState;
  /** What was seen. */
  readonly seen: string;
  /** What to do about it; empty when nothing is. */
  readonly advice: string;
}

export const finding = (name: string, state: FindingState, seen: string, advice = ''): Finding => ({
  name,
  state,
  seen,
  advice,
});

/** The first numbers of a version text: `git version 2.43.0 (Apple)` → [2, 43, 0]. */
export function versionOf(text: string): number[] | null {
  const match = /\d+(\.\d+)+|\d+/.exec(text);
  return match ? match[0].split('.').map(Number) : null;
}

export function isOlder(version: readonly number[], than: readonly number[]): boolean {
  for (const [i, part] of than.entries()) if ((version[i] ?? 0) !== part) return (version[i] ?? 0) < part;
  return false;
}

/** A program of the machine that answers `--version`; null when there is none. */
export function judgeTool(name: string, answer: string | null, oldest: readonly number[], why: string): Finding {
  if (answer === null) return finding(name, 'WARN', 'not found', `Install it: ${why}.`);
  const version = versionOf(answer);
  if (!version) return finding(name, 'UNKN', answer.slice(0, 60));
  const text = version.join('.');
  if (isOlder(version, oldest))
    return finding(name, 'WARN', text, `Update it to ${oldest.join('.')} or later: ${why}.`);
  return finding(name, 'OK', text);
}

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;

/** Space on a disk. Below a gibibyte runs cannot be recorded; the other bar leaves room for one more campaign. */
export function judgeSpace(
  name: string,
  disk: { path: string; freeBytes: number | null; totalBytes: number | null; problem: string | null },
): Finding {
  const { freeBytes, totalBytes } = disk;
  if (freeBytes === null) return finding(name, 'UNKN', `${disk.path}: ${disk.problem ?? 'unknown'}`);
  const seen = `${formatBytes(freeBytes)} free of ${formatBytes(totalBytes)} at ${disk.path}`;
  if (freeBytes < GIB) return finding(name, 'FAIL', seen, 'Free some space: the databases stop when the disk is full.');
  if (freeBytes < 10 * GIB) return finding(name, 'WARN', seen, 'Free some space before a long backfill.');
  return finding(name, 'OK', seen);
}

/** `/proc/self/limits`: soft limits by name; infinite when unlimited. */
export function parseLimits(text: string): Map<string, number> {
  const limits = new Map<string, number>();
  for (const match of text.matchAll(/^Max (.+?) {2,}(\d+|unlimited) /gm)) {
    limits.set(match[1], match[2] === 'unlimited' ? Number.POSITIVE_INFINITY : Number(match[2]));
  }
  return limits;
}

/** Limits of this shell, which jobs inherit. */
export function judgeLimits(limits: ReadonlyMap<string, number> | null): Finding[] {
  const words = (value: number) => (Number.isFinite(value) ? String(value) : 'unlimited');
  const judge = (name: string, key: string, least: number, enough: number, option: string): Finding => {
    const value = limits?.get(key);
    if (value === undefined) return finding(name, 'UNKN', 'this system does not tell');
    const advice = `Raise it: ulimit ${option} ${enough}, or in /etc/security/limits.conf.`;
    const state = value < least ? 'FAIL' : value < enough ? 'WARN' : 'OK';
    return finding(name, state, words(value), state === 'OK' ? '' : advice);
  };
  const core = limits?.get('core file size');
  return [
    judge('open files', 'open files', 256, 1024, '-n'),
    judge('processes', 'processes', 64, 1024, '-u'),
    core === undefined
      ? finding('core dumps', 'UNKN', 'this system does not tell')
      : finding('core dumps', 'OK', core === 0 ? 'off' : words(core)),
  ];
}

/** Parallel queries of PostgreSQL share memory there; containers often have 64 MiB. */
export function judgeSharedMemory(totalBytes: number | null): Finding {
  if (totalBytes === null)
    return finding('/dev/shm', 'WARN', 'not there', 'Mount a tmpfs there: PostgreSQL shares memory in it.');
  if (totalBytes <= 64 * MIB) {
    return finding(
      '/dev/shm',
      'WARN',
      formatBytes(totalBytes),
      'Make it larger (in a container: --shm-size 1g): parallel queries need it.',
    );
  }
  return finding('/dev/shm', 'OK', formatBytes(totalBytes));
}

export interface TerminalFacts {
  readonly ascii: boolean;
  readonly locale: string;
  readonly term: string;
}

export function judgeTerminal({ ascii, locale, term }: TerminalFacts): Finding[] {
  return [
    ascii
      ? finding(
          'locale',
          'WARN',
          locale || 'not set',
          'Set LANG=C.UTF-8 to see the signs and charts as they are drawn.',
        )
      : finding('locale', 'OK', locale),
    !term || term === 'dumb'
      ? finding(
          'TERM',
          'WARN',
          term || 'not set',
          'The console needs a terminal that moves its cursor; commands do without.',
        )
      : finding('TERM', 'OK', term),
  ];
}

/** What logind does to the processes of a user who logs out. */
export interface LogindSettings {
  readonly killUserProcesses: boolean;
  readonly killOnlyUsers: readonly string[];
  readonly killExcludeUsers: readonly string[];
}

/** `logind.conf`, then its drop-ins in the order in which systemd reads them: the last assignment counts. */
export function parseLogind(texts: readonly string[]): LogindSettings {
  // The upstream defaults; a distribution that differs ships a file that says so.
  let settings: LogindSettings = { killUserProcesses: true, killOnlyUsers: [], killExcludeUsers: ['root'] };
  for (const [i, text] of texts.entries()) {
    let section = '';
    for (const line of text.split('\n').map((one) => one.trim())) {
      section = /^\[(.+)\]$/.exec(line)?.[1] ?? section;
      // A commented-out assignment in the main file tells the default that this systemd was built with.
      const match = /^#?(KillUserProcesses|KillOnlyUsers|KillExcludeUsers)\s*=\s*(.*)$/.exec(line);
      if (!match || section !== 'Login' || (i > 0 && line.startsWith('#'))) continue;
      const [, key, value] = match;
      if (key === 'KillUserProcesses')
        settings = { ...settings, killUserProcesses: /^(1|yes|true|on|y|t)$/i.test(value) };
      else if (key === 'KillOnlyUsers') settings = { ...settings, killOnlyUsers: value.split(/\s+/).filter(Boolean) };
      else settings = { ...settings, killExcludeUsers: value.split(/\s+/).filter(Boolean) };
    }
  }
  return settings;
}

export interface SessionFacts {
  /** Whether systemd is this machine's init. */
  readonly systemd: boolean;
  /** Null when its files cannot be read. */
  readonly logind: LogindSettings | null;
  readonly user: string;
  /** Null when it cannot be told. */
  readonly linger: boolean | null;
}

/** Whether jobs survive the end of the session that started them. */
export function judgeSession({ systemd, logind, user, linger }: SessionFacts): Finding[] {
  if (!systemd) return [finding('log-out', 'OK', 'no systemd: jobs outlive the session that started them')];
  const lingers = finding(
    'linger',
    linger === null ? 'UNKN' : 'OK',
    linger === null ? 'cannot be told' : linger ? 'on' : 'off',
  );
  if (!logind) {
    return [finding('log-out', 'UNKN', 'logind.conf cannot be read', 'See whether KillUserProcesses is set.'), lingers];
  }
  const named = logind.killOnlyUsers.length === 0 || logind.killOnlyUsers.includes(user);
  const kills = logind.killUserProcesses && named && !logind.killExcludeUsers.includes(user);
  if (!kills) return [finding('log-out', 'OK', `logind leaves the processes of ${user} alone`), lingers];
  const seen = `KillUserProcesses=yes: logind ends what ${user} started, jobs too`;
  if (linger) {
    return [
      finding(
        'log-out',
        'WARN',
        seen,
        'Start jobs through the systemd user unit: linger keeps it, not what a shell started.',
      ),
      lingers,
    ];
  }
  return [
    finding(
      'log-out',
      'WARN',
      seen,
      `Run: loginctl enable-linger ${user}, and start jobs through the systemd user unit; or set KillUserProcesses=no.`,
    ),
    lingers,
  ];
}

/** `nvidia-smi --query-gpu=index,name,driver_version,memory.total,compute_cap`, or what went wrong. */
export function judgeGpus(answer: { readonly text: string; readonly failed: boolean } | null): Finding[] {
  if (answer === null) {
    return [finding('GPU', 'WARN', 'no nvidia-smi on this machine', 'Encoders run on the CPU, more slowly.')];
  }
  const lines = answer.text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  const gpus = lines.map((line) => /^(\d+), (.+), ([^,]+), ([^,]+), ([^,]+)$/.exec(line));
  if (answer.failed || lines.length === 0 || gpus.includes(null)) {
    const said = lines[0]?.slice(0, 200) ?? 'nvidia-smi says nothing';
    return [
      finding(
        'GPU',
        'FAIL',
        said,
        'Mend the driver (nvidia-smi must list the GPUs); until then encoders run on the CPU.',
      ),
    ];
  }
  return gpus.map((match) => {
    const [, index, name, driver, memory, capability] = match!;
    const seen = `${name}, ${memory} MiB, compute capability ${capability}, driver ${driver}`;
    const broken = /err|lost/i.test(memory);
    return broken
      ? finding(`GPU ${index}`, 'FAIL', seen, 'The GPU does not answer: reset it, or restart the machine.')
      : finding(`GPU ${index}`, 'OK', seen);
  });
}

/** What onnxruntime-node tells when it is loaded in a process of its own, or why it cannot be. */
export type OnnxAnswer =
  | { readonly version: string; readonly providers: readonly string[]; readonly bundled: readonly string[] }
  | { readonly problem: string };

export function judgeOnnx(answer: OnnxAnswer): Finding {
  if ('problem' in answer) {
    return finding(
      'onnxruntime',
      'FAIL',
      answer.problem,
      'Run npm ci again: encoders need the native part of onnxruntime-node.',
    );
  }
  const apart = answer.providers.filter((one) => !answer.bundled.includes(one));
  const more = apart.length ? `; with libraries of their own: ${apart.join(', ')}` : '';
  return finding('onnxruntime', 'OK', `${answer.version}, providers: ${answer.bundled.join(', ')}${more}`);
}

/** Settings of a server that are worth knowing. */
export interface ServerSettings {
  readonly version: string;
  readonly encoding: string;
  readonly maxConnections: number;
  readonly sharedBuffersBytes: number;
  readonly fsync: boolean;
  readonly autovacuum: boolean;
  /** A standby, or a server in recovery. */
  readonly readOnly: boolean;
}

export function judgeSettings(name: string, settings: ServerSettings): Finding {
  const { version, encoding, maxConnections, sharedBuffersBytes } = settings;
  const seen = `PostgreSQL ${version}, ${encoding}, max_connections ${maxConnections}, shared_buffers ${formatBytes(sharedBuffersBytes)}`;
  const advice = [
    isOlder(versionOf(version) ?? [], [14]) ? 'Update the server: releases before 14 are not maintained.' : '',
    encoding === 'UTF8' ? '' : 'Use a UTF8 database: news are stored in it.',
    maxConnections < 20 ? 'Raise max_connections to 20 or more.' : '',
    sharedBuffersBytes < 128 * MIB ? 'Raise shared_buffers to 128 MB or more.' : '',
    settings.fsync ? '' : 'Turn fsync on: a crash may lose the database.',
    settings.autovacuum ? '' : 'Turn autovacuum on.',
    settings.readOnly ? 'This is a standby, which is read-only: runs cannot be recorded.' : '',
  ].filter(Boolean);
  return finding(name, advice.length ? 'WARN' : 'OK', seen, advice.join(' '));
}

/** A folder of the home. Under root its way is searchable for others, since the server runs as another user. */
export function judgeFolder(
  name: string,
  folder: {
    readonly path: string;
    readonly mode: number | null;
    readonly writable: boolean;
    readonly isFolder: boolean;
  },
): Finding {
  if (folder.mode === null) return finding(name, 'OK', `${folder.path} (not made yet)`);
  if (!folder.isFolder)
    return finding(name, 'FAIL', `${folder.path} is no folder`, 'Move it away, or set PROMETHEUS_HOME.');
  if (!folder.writable)
    return finding(name, 'FAIL', `${folder.path} cannot be written`, 'Make it yours, or set PROMETHEUS_HOME.');
  const mode = (folder.mode & 0o777).toString(8).padStart(4, '0');
  return folder.mode & 0o066
    ? finding(
        name,
        'WARN',
        `${folder.path}, mode ${mode}`,
        `Others may read it or write there: chmod 700 ${folder.path}`,
      )
    : finding(name, 'OK', `${folder.path}, mode ${mode}`);
}
