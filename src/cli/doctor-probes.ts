/** What `prometheus doctor` looks at: small probes, each with a limit of time, that start and change nothing. */
import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import path from 'node:path';
import { openDatabase } from '../platform/db/databases.ts';
import { embeddedServer } from '../platform/db/embedded.ts';
import type { Target } from '../platform/db/targets.ts';
import { errorCode, errorMessage } from '../platform/errors.ts';
import { DiskSampler } from '../telemetry/disks.ts';
import type { Cli } from './context.ts';
import { type DbStatus, readStatus } from './db-status.ts';
import { ask } from './doctor-ask.ts';
import {
  type Finding,
  finding,
  isOlder,
  judgeFolder,
  judgeGpus,
  judgeLimits,
  judgeOnnx,
  judgeSession,
  judgeSettings,
  judgeSharedMemory,
  judgeSpace,
  judgeTerminal,
  judgeTool,
  type LogindSettings,
  type OnnxAnswer,
  parseLimits,
  parseLogind,
  type ServerSettings,
  versionOf,
} from './doctor-judgments.ts';
import { isAsciiOnly } from './plain-text.ts';

export interface Section {
  readonly title: string;
  readonly findings: readonly Finding[];
}

const OLDEST_NODE = [22, 18];

/** Looks at everything, side by side. */
export async function examine(cli: Cli): Promise<Section[]> {
  const sections: [string, Promise<Finding[]>][] = [
    ['versions', probeVersions(cli)],
    ['paths', Promise.resolve(probePaths(cli))],
    ['databases', probeDatabases(cli)],
    ['disks', probeDisks(cli)],
    ['GPU', probeGpus(cli)],
    ['limits', probeLimits()],
    ['terminal', Promise.resolve(probeTerminal(cli))],
    ['session', probeSession(cli)],
  ];
  return await Promise.all(
    sections.map(async ([title, work]) => {
      // A probe that breaks is one unknown more, never the end of the others.
      const findings = await work.catch((error) => [finding(title, 'UNKN', errorMessage(error))]);
      return { title, findings };
    }),
  );
}

async function probeVersions(cli: Cli): Promise<Finding[]> {
  const { version, build, gitSha, gitDirty } = cli.provenance;
  const [npm, git, onnx] = await Promise.all([
    ask(cli, 'npm', ['--version']),
    ask(cli, 'git', ['--version']),
    askOnnx(cli),
  ]);
  const commit = gitSha ? `, commit ${gitSha.slice(0, 12)}${gitDirty ? ' with changes' : ''}` : '';
  const node = process.versions.node;
  return [
    finding('product', 'OK', `${version}, ${build ? `build ${build}` : 'from its sources'}${commit}`),
    isOlder(versionOf(node) ?? [], OLDEST_NODE)
      ? finding('Node', 'FAIL', node, 'Start through bin/prometheus, which carries its own.')
      : finding('Node', 'OK', `${node} (${process.execPath})`),
    judgeTool('npm', npm?.text ?? null, [10], 'it installs packages after an update'),
    judgeTool('git', git?.text ?? null, [2], 'runs record the commit they came from'),
    judgeOnnx(onnx),
  ];
}

/** Loaded in a process of its own: a native part that does not fit the system would end ours. No GPU is touched. */
async function askOnnx(cli: Cli): Promise<OnnxAnswer> {
  const script = `
    const require = process.getBuiltinModule('node:module').createRequire(${JSON.stringify(import.meta.url)});
    const ort = require('onnxruntime-node');
    process.stdout.write('ANSWER' + JSON.stringify({ version: ort.env.versions.node, backends: ort.listSupportedBackends() }));`;
  const answer = await ask(cli, process.execPath, ['-e', script]);
  const text = /ANSWER(\{.*\})/.exec(answer?.text ?? '')?.[1];
  if (!text) return { problem: firstError(answer?.text ?? '') };
  const { version, backends } = JSON.parse(text) as { version: string; backends: { name: string; bundled: boolean }[] };
  return {
    version,
    providers: backends.map((one) => one.name),
    bundled: backends.filter((one) => one.bundled).map((one) => one.name),
  };
}

const firstError = (text: string) =>
  /^\w*Error: .*$/m.exec(text)?.[0].slice(0, 200) ?? 'onnxruntime-node cannot be loaded';

function probePaths(cli: Cli): Finding[] {
  const { home, env } = cli;
  const config = path.join(env.XDG_CONFIG_HOME || path.join(homedir(), '.config'), 'prometheus', 'console.yaml');
  const { socketFolder, passfile } = embeddedServer(home);
  return [
    lookAtFolder('home', home.root),
    finding('config', 'OK', existsSync(config) ? config : `${config} (none)`),
    ...(['models', 'cache', 'logs', 'jobs'] as const).map((name) => lookAtFolder(name, home[name])),
    finding('socket', 'OK', `${socketFolder}${existsSync(socketFolder) ? '' : ' (not made yet)'}`),
    ...lookAtSecret(passfile),
  ];
}

function lookAtFolder(name: string, folder: string): Finding {
  try {
    const stats = statSync(folder);
    let writable = true;
    try {
      accessSync(folder, constants.W_OK | constants.X_OK);
    } catch {
      writable = false;
    }
    return judgeFolder(name, { path: folder, mode: stats.mode, writable, isFolder: stats.isDirectory() });
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') return finding(name, 'FAIL', errorMessage(error), 'Make it readable.');
    return judgeFolder(name, { path: folder, mode: null, writable: false, isFolder: false });
  }
}

/** A password file that others may read is news; one that is not there is none. */
function lookAtSecret(file: string): Finding[] {
  try {
    if ((statSync(file).mode & 0o077) === 0) return [];
    return [finding('passfile', 'WARN', `${file} can be read by others`, `Run: chmod 600 ${file}`)];
  } catch {
    return [];
  }
}

async function probeDatabases(cli: Cli): Promise<Finding[]> {
  const status = await readStatus(cli);
  const targets = await cli.targets();
  const findings = await Promise.all(
    status.databases.map(async (one) => {
      const reach = judgeReach(one);
      if (one.version === null) return [reach];
      return [reach, await readSettings(cli, targets[one.name])];
    }),
  );
  return findings.flat();

  function judgeReach(one: DbStatus['databases'][number]): Finding {
    const { label } = targets[one.name];
    if (one.version === null) {
      const seen = one.problems[0] ?? 'it does not answer';
      return one.embedded
        ? finding(one.name, 'WARN', seen, 'Start it: prometheus db up (commands that need it do so by themselves).')
        : finding(one.name, 'FAIL', seen, `Check ${one.source} and that the server runs.`);
    }
    const size = one.sizeBytes === null ? '' : `, ${Math.round(one.sizeBytes / 1024 ** 2)} MiB`;
    const where = label.replace(/^\w+ database \((.*)\)$/, '$1');
    if (!one.migrations) return finding(one.name, 'UNKN', `${where}${size}`, one.problems.join(' '));
    const { applied, pending, missing } = one.migrations;
    const due = [...pending, ...missing.map((table) => `table ${table}`)];
    return due.length
      ? finding(one.name, 'FAIL', `${where}${size}, lacks ${due.join(', ')}`, 'Run: prometheus db migrate')
      : finding(one.name, 'OK', `${where}${size}, ${applied.length} migrations applied, none pending`);
  }
}

async function readSettings(cli: Cli, target: Target): Promise<Finding> {
  const name = `${target.name} server`;
  const database = openDatabase(target, {
    application: 'doctor',
    readOnly: true,
    statementTimeoutMs: 5000,
    maxConnections: 1,
  });
  try {
    cli.signal.throwIfAborted();
    const settings = await database.client(async (client) => {
      const { rows } = await client.query<ServerSettings>(
        `SELECT current_setting('server_version') AS version, current_setting('server_encoding') AS encoding,
                current_setting('max_connections')::int AS "maxConnections",
                pg_size_bytes(current_setting('shared_buffers')) AS "sharedBuffersBytes",
                current_setting('fsync')::bool AS fsync, current_setting('autovacuum')::bool AS autovacuum,
                pg_is_in_recovery() AS "readOnly"`,
      );
      return rows[0];
    });
    return judgeSettings(name, settings);
  } catch (error) {
    return finding(name, 'UNKN', errorMessage(error));
  } finally {
    await database.close();
  }
}

async function probeDisks(cli: Cli): Promise<Finding[]> {
  const { dataFolder } = embeddedServer(cli.home);
  const paths = [
    { name: 'home', path: cli.home.root },
    ...(existsSync(dataFolder) && !dataFolder.startsWith(cli.home.root)
      ? [{ name: 'postgres', path: dataFolder }]
      : []),
  ];
  return (await new DiskSampler(paths, null).read()).map((disk) => judgeSpace(`${disk.name} disk`, disk));
}

async function probeGpus(cli: Cli): Promise<Finding[]> {
  const query = '--query-gpu=index,name,driver_version,memory.total,compute_cap';
  return judgeGpus(await ask(cli, 'nvidia-smi', [query, '--format=csv,noheader,nounits']));
}

async function probeLimits(): Promise<Finding[]> {
  const limits = readText('/proc/self/limits');
  const shm = await statfs('/dev/shm').then(
    ({ blocks, bsize }) => blocks * bsize,
    () => null,
  );
  // Only Linux has the folder.
  const shared = process.platform === 'linux' ? [judgeSharedMemory(shm)] : [];
  return [...judgeLimits(limits === null ? null : parseLimits(limits)), ...shared];
}

function probeTerminal({ env }: Cli): Finding[] {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  return judgeTerminal({ ascii: isAsciiOnly(env), locale, term: env.TERM ?? '' });
}

async function probeSession(cli: Cli): Promise<Finding[]> {
  // As sd_booted(3) tells it.
  const systemd = existsSync('/run/systemd/system');
  const user = userInfo().username;
  return judgeSession({ systemd, logind: readLogind(), user, linger: systemd ? await readLinger(cli, user) : null });
}

/** Where systemd looks for its files: of several with the same name the first counts. */
const CONFIG_ROOTS = ['/etc/systemd', '/run/systemd', '/usr/local/lib/systemd', '/usr/lib/systemd', '/lib/systemd'];

/** The main file and then all drop-ins by name; null when there is no main file. */
function readLogind(): LogindSettings | null {
  const main = CONFIG_ROOTS.map((root) => readText(path.join(root, 'logind.conf'))).find((text) => text !== null);
  const dropIns = new Map<string, string>();
  for (const root of CONFIG_ROOTS) {
    const folder = path.join(root, 'logind.conf.d');
    for (const name of listFolder(folder)) {
      if (name.endsWith('.conf') && !dropIns.has(name)) dropIns.set(name, readText(path.join(folder, name)) ?? '');
    }
  }
  if (main === undefined && dropIns.size === 0) return null;
  return parseLogind([main ?? '', ...[...dropIns].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text)]);
}

async function readLinger(cli: Cli, user: string): Promise<boolean | null> {
  if (existsSync(path.join('/var/lib/systemd/linger', user))) return true;
  const answer = await ask(cli, 'loginctl', ['show-user', user, '--property=Linger']);
  const word = /^Linger=(\w+)$/m.exec(answer?.text ?? '')?.[1];
  return word === undefined ? null : word === 'yes';
}

function readText(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
