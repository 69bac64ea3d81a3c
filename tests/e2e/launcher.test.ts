/**
 * The launchers, each test in a small checkout of its own: the real bin/ and esbuild.config.mjs, a program of a few
 * lines, and an npm that only lays links. Nothing is downloaded.
 */
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { execa, type ResultPromise } from 'execa';
import { describe, expect, onTestFinished, test } from 'vitest';
import { until } from '../helpers/until.ts';

const repository = resolve(import.meta.dirname, '../..');
const packages = join(repository, 'node_modules');
const carriedNode = `node-${process.platform}-${process.arch}`;

/** Tells what it was started with; `hold` keeps it running until its stdin ends. */
const program = `
import { writeFileSync } from 'node:fs';
const [command, file] = process.argv.slice(2);
if (command === 'hold') {
  writeFileSync(file, '');
  process.stdin.resume();
} else {
  const { PROMETHEUS_CHECKOUT: checkout, PROMETHEUS_BUILD: build, NODE_OPTIONS: options } = process.env;
  process.stdout.write(JSON.stringify({ text: 'first', args: process.argv.slice(2), cwd: process.cwd(), checkout, build, options }));
}
`;

const programThatSays = (text: string): string => program.replace("'first'", `'${text}'`);

/** Lays links instead of downloading. NPM_MODE: fail, or hang until it is killed. */
const fakeNpm = `#!/bin/sh
printf '%s\\n' "$* NODE_ENV=\${NODE_ENV-} ONNX=\${ONNXRUNTIME_NODE_INSTALL-}" >>"$NPM_CALLS"
rm -rf node_modules
mkdir -p "node_modules/${carriedNode}/bin"
case \${NPM_MODE-} in
  fail) echo 'npm error code ENOTFOUND' && exit 1 ;;
  hang) echo $$ >"$NPM_CALLS.pid" && exec tail -f /dev/null ;;
esac
ln -s "$REAL_NODE" "node_modules/${carriedNode}/bin/node"
for name in esbuild vitest; do ln -s "${packages}/$name" "node_modules/$name"; done
`;

/** Put around the real configuration: switches that hold a build up, or edit a source in the middle of it. */
const holdBuild = `
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
if (process.env.HOLD_BUILD) {
  mkdirSync(process.argv[2]);
  writeFileSync(process.env.HOLD_BUILD, String(process.pid));
  process.stdin.resume();
  await new Promise(() => {});
}
`;
const editDuringBuild = `
if (process.env.EDIT_DURING_BUILD) {
  const file = join(root, 'src/cli/main.ts');
  writeFileSync(file, readFileSync(file, 'utf8').replace("'first'", "'second'"));
}
`;

class Checkout {
  readonly base = realpathSync(mkdtempSync(join(tmpdir(), 'prometheus-launcher-')));
  readonly root = join(this.base, 'a check out');
  readonly npmCalls = join(this.base, 'npm-calls');
  readonly tools = join(this.base, 'tools');

  constructor() {
    for (const folder of ['src/cli', 'src/supervisor', 'engines/backtest', 'screens', 'migrations']) {
      mkdirSync(join(this.root, folder), { recursive: true });
    }
    for (const name of ['bin', 'package.json', 'package-lock.json', '.npmrc', 'tsconfig.json']) {
      cpSync(join(repository, name), join(this.root, name), { recursive: true });
    }
    const config = readFileSync(join(repository, 'esbuild.config.mjs'), 'utf8');
    this.write('esbuild.config.mjs', `${holdBuild}${config}${editDuringBuild}`);
    this.write('src/cli/main.ts', program);
    // Whatever else the build bundles.
    for (const [, entry] of config.matchAll(/join\(root, '([^']+\.ts)'\)/g)) {
      if (entry !== 'src/cli/main.ts') this.write(entry, 'export {};\n');
    }
    mkdirSync(this.tools);
    writeFileSync(join(this.tools, 'npm'), fakeNpm, { mode: 0o755 });
    onTestFinished(() => rmSync(this.base, { recursive: true, force: true }));
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(join(this.root, name)), { recursive: true });
    writeFileSync(join(this.root, name), text);
  }

  start(args: string[] = [], env: Record<string, string> = {}, file = join(this.root, 'bin/prometheus')) {
    const subprocess = execa(file, args, {
      reject: false,
      extendEnv: false,
      cwd: this.base,
      env: {
        PATH: `${this.tools}:/usr/bin:/bin`,
        HOME: this.base,
        NPM_CALLS: this.npmCalls,
        REAL_NODE: realpathSync(process.execPath),
        ...env,
      },
    });
    onTestFinished(() => {
      subprocess.kill('SIGKILL');
    });
    return subprocess;
  }

  /** A process that runs from the build, as a job does; in an object, since to await the process is to await its end. */
  async hold(): Promise<{ job: ResultPromise }> {
    const sign = join(this.base, `running-${Math.random()}`);
    const job = this.start(['hold', sign]);
    await until(() => existsSync(sign), 'the job to run');
    return { job };
  }

  /** The pid of the npm that NPM_MODE=hang started. */
  async hangingNpm(): Promise<number> {
    const file = `${this.npmCalls}.pid`;
    return Number(await until(() => existsSync(file) && readFileSync(file, 'utf8'), 'npm to run'));
  }

  npmRuns(): string[] {
    return existsSync(this.npmCalls) ? lines(readFileSync(this.npmCalls, 'utf8')) : [];
  }

  builds(): string[] {
    return readdirSync(join(this.root, 'dist')).filter((name) => /^[0-9a-f]{16}$/.test(name));
  }

  lockOwners(): string[] {
    return readdirSync(join(this.root, 'dist/.lock'));
  }

  /** What npm pack would hold of it, put where npm would install it. */
  packed(): string {
    const folder = join(this.base, 'lib/node_modules/prometheus-console');
    mkdirSync(folder, { recursive: true });
    for (const name of ['bin', 'dist', 'package.json'])
      cpSync(join(this.root, name), join(folder, name), { recursive: true });
    rmSync(join(folder, 'dist/.lock'), { recursive: true });
    rmSync(join(folder, 'dist/install.log'));
    return folder;
  }
}

const lines = (text: string): string[] => text.split('\n').filter(Boolean);

function killed(pid: number): void {
  process.kill(pid, 'SIGKILL');
}

describe('the first start', () => {
  test('installs, builds and hands over; the next does only that', async () => {
    const checkout = new Checkout();
    const env = { NODE_ENV: 'production', CI: 'true', NODE_OPTIONS: '--no-such-option' };

    const first = await checkout.start(['one', 'two words', '', '*'], env);
    expect(first.stderr).toMatch(/^prometheus: installing packages: about 300 MB to download, 760 MB on disk\.\n/);
    expect(first).toMatchObject({ exitCode: 0 });
    const told = JSON.parse(first.stdout);
    expect(told).toEqual({
      text: 'first',
      args: ['one', 'two words', '', '*'],
      cwd: checkout.base,
      checkout: checkout.root,
      build: checkout.builds()[0],
    });
    expect(checkout.npmRuns()).toEqual([
      'ci --include=dev --include=optional --engine-strict=false --ignore-scripts NODE_ENV=production ONNX=skip',
    ]);
    expect(readFileSync(join(checkout.root, 'dist/current'), 'utf8')).toBe(`${told.build}\n`);

    const second = await checkout.start([], env);
    expect(second).toMatchObject({ exitCode: 0, stderr: '' });
    expect(checkout.npmRuns()).toHaveLength(1);
    expect(checkout.lockOwners()).toEqual([]);
  });

  test('finds its folder through links', async () => {
    const checkout = new Checkout();
    symlinkSync('a check out', join(checkout.base, 'folder link'));
    symlinkSync('../folder link/bin/prometheus', join(checkout.tools, 'relative'));
    symlinkSync(join(checkout.tools, 'relative'), join(checkout.tools, 'prom'));

    const started = await checkout.start([], {}, join(checkout.tools, 'prom'));
    expect(JSON.parse(started.stdout).checkout).toBe(checkout.root);
    const found = await checkout.start(['-c', 'cd tools && sh prom'], {}, '/bin/sh');
    expect(JSON.parse(found.stdout).checkout).toBe(checkout.root);
  });

  test('two at once install and build once', async () => {
    const checkout = new Checkout();
    const both = await Promise.all([checkout.start(), checkout.start(), checkout.start()]);
    expect(both.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
    expect(checkout.npmRuns()).toHaveLength(1);
    expect(both.filter(({ stderr }) => stderr.includes('building'))).toHaveLength(1);
    expect(checkout.lockOwners()).toEqual([]);
  });
});

describe('an install', () => {
  test('that fails says so in one line, keeps the log, and is repeated', async () => {
    const checkout = new Checkout();
    const failed = await checkout.start([], { NPM_MODE: 'fail' });
    expect(failed).toMatchObject({ exitCode: 1, stdout: '' });
    const log = join(checkout.root, 'dist/install.log');
    expect(lines(failed.stderr).slice(1)).toEqual([
      `prometheus: npm ci failed (ENOTFOUND), its output is in ${log}. The package registry was not reached: check network and proxy, then start it again.`,
    ]);
    expect(readFileSync(log, 'utf8')).toContain('npm error code ENOTFOUND');
    expect(await checkout.start()).toMatchObject({ exitCode: 0 });
  });

  test('is waited for when its launcher was killed and npm goes on, then repeated', async () => {
    const checkout = new Checkout();
    const first = checkout.start([], { NPM_MODE: 'hang' });
    const npm = await checkout.hangingNpm();
    killed(first.pid!);

    const second = checkout.start();
    let said = '';
    second.stderr.on('data', (text) => {
      said += text;
    });
    await until(() => said.includes('waiting for process'), 'the second caller to wait');
    expect(checkout.npmRuns()).toHaveLength(1);
    killed(npm);
    expect(await second).toMatchObject({ exitCode: 0 });
    expect(lines(said).filter((line) => line.includes('waiting'))).toEqual([
      `prometheus: waiting for process ${npm} on ${hostname()}, which installs or builds in this checkout.`,
    ]);
    expect(checkout.npmRuns()).toHaveLength(2);
  });

  test('that is interrupted takes npm with it', async () => {
    const checkout = new Checkout();
    const first = checkout.start([], { NPM_MODE: 'hang' });
    const npm = await checkout.hangingNpm();
    first.kill('SIGTERM');
    expect(await first).toMatchObject({ exitCode: 143 });
    expect(() => process.kill(npm, 0)).toThrow('ESRCH');
    expect(checkout.lockOwners()).toEqual([]);
    expect(await checkout.start()).toMatchObject({ exitCode: 0 });
  });

  test('is refused while something runs from the checkout, whose build can still be used', async () => {
    const checkout = new Checkout();
    await checkout.start();
    const { job } = await checkout.hold();
    appendFileSync(join(checkout.root, 'package-lock.json'), '\n');

    const refused = await checkout.start();
    expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^prometheus: the packages changed .* Stop them first\./);
    const [, ...listed] = lines(refused.stderr);
    expect(listed).toHaveLength(1);
    expect(listed[0]).toMatch(new RegExp(`^  ${job.pid}  .*main\\.js hold`));
    expect(checkout.npmRuns()).toHaveLength(1);

    const pinned = await checkout.start([], { PROMETHEUS_LAST_BUILD: '1' });
    expect(pinned).toMatchObject({ exitCode: 0, stderr: '' });

    job.stdin?.end();
    await job;
    expect(await checkout.start()).toMatchObject({ exitCode: 0 });
    expect(checkout.npmRuns()).toHaveLength(2);
  });
});

describe('a build', () => {
  test('that was killed is repeated', async () => {
    const checkout = new Checkout();
    await checkout.start();
    checkout.write('src/cli/main.ts', programThatSays('second'));
    const sign = join(checkout.base, 'build-held');
    const first = checkout.start([], { HOLD_BUILD: sign });
    await until(() => existsSync(sign) && readFileSync(sign, 'utf8'), 'the build to be held');
    killed(first.pid!);
    killed(Number(readFileSync(sign, 'utf8')));
    expect(readdirSync(join(checkout.root, 'dist')).filter((name) => name.startsWith('.staging'))).toHaveLength(1);

    const second = await checkout.start();
    expect(JSON.parse(second.stdout).text).toBe('second');
    expect(readdirSync(join(checkout.root, 'dist')).filter((name) => name.startsWith('.staging'))).toEqual([]);
  });

  test('is made once by many callers, also over the mark of a dead one', async () => {
    const checkout = new Checkout();
    await checkout.start();
    checkout.write('src/cli/main.ts', programThatSays('second'));
    // The pid lives (it is ours) but started at another time: the owner it names is dead.
    writeFileSync(join(checkout.root, 'dist/.lock', `${hostname()},${process.pid},1`), '');
    const all = await Promise.all([1, 2, 3, 4].map(() => checkout.start()));
    expect(all.map(({ stdout }) => JSON.parse(stdout).text)).toEqual(['second', 'second', 'second', 'second']);
    expect(all.filter(({ stderr }) => stderr.includes('building'))).toHaveLength(1);
    expect(checkout.lockOwners()).toEqual([]);
  });

  test('never carries the name of sources that were edited meanwhile', async () => {
    const checkout = new Checkout();
    const started = await checkout.start([], { EDIT_DURING_BUILD: '1' });
    expect(JSON.parse(started.stdout).text).toBe('second');
    expect(await checkout.start()).toMatchObject({ stderr: '' });
    expect(checkout.builds()).toHaveLength(1);
  });

  test('stays while a process runs from it; others go, but for the newest three', async () => {
    const checkout = new Checkout();
    const { job } = await checkout.hold();
    const [used] = checkout.builds();
    const idle: string[] = [];
    for (const text of ['second', 'third', 'fourth', 'fifth']) {
      checkout.write('src/cli/main.ts', programThatSays(text));
      idle.push(JSON.parse((await checkout.start()).stdout).build);
    }
    expect(checkout.builds().sort()).toEqual([used, ...idle.slice(1)].sort());
    job.stdin?.end();
    expect(await job).toMatchObject({ exitCode: 0 });
  });

  test('that fails shows the error and leaves the earlier ones; going back needs no build', async () => {
    const checkout = new Checkout();
    await checkout.start();
    checkout.write('src/cli/main.ts', 'const = 1;');
    const failed = await checkout.start();
    expect(failed).toMatchObject({ exitCode: 1, stdout: '' });
    expect(failed.stderr).toContain('src/cli/main.ts:1:6');
    expect(lines(failed.stderr).at(-1)).toBe(
      'prometheus: the build failed. Correct what is printed above and start it again.',
    );
    checkout.write('src/cli/main.ts', program);
    expect(await checkout.start()).toMatchObject({ exitCode: 0, stderr: '' });
  });
});

describe('a package', () => {
  test('runs the build it holds, with the Node beside it, without npm', async () => {
    const checkout = new Checkout();
    await checkout.start();
    const folder = checkout.packed();
    cpSync(join(checkout.root, 'node_modules', carriedNode), join(dirname(folder), carriedNode), {
      recursive: true,
      verbatimSymlinks: true,
    });
    rmSync(join(checkout.tools, 'npm'));
    const started = await checkout.start(['a'], {}, join(folder, 'bin/prometheus'));
    expect(started).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(started.stdout)).toMatchObject({ checkout: folder, args: ['a'] });

    const tested = await checkout.start([], {}, join(folder, 'bin/test'));
    expect(tested).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('tests need a checkout') });
  });

  test.each([
    ['v20.20.2', false],
    ['v22.17.1', false],
    ['v22.18.0', true],
    ['v24.0.0', true],
    [undefined, false],
  ])('without a Node of its own: machine has %s, starts: %s', async (version, starts) => {
    const checkout = new Checkout();
    await checkout.start();
    const folder = checkout.packed();
    // No folder of the machine's in the PATH but one that holds just what the launcher calls.
    const bare = join(checkout.base, 'bare');
    mkdirSync(bare);
    for (const name of ['sh', 'uname']) symlinkSync(await commandPath(name), join(bare, name));
    if (version) {
      writeFileSync(
        join(bare, 'node'),
        `#!/bin/sh\n[ "$1" = -v ] && echo ${version} && exit\nexec "$REAL_NODE" "$@"\n`,
      );
      chmodSync(join(bare, 'node'), 0o755);
    }
    const started = await checkout.start([], { PATH: bare }, join(folder, 'bin/prometheus'));
    if (starts) {
      expect(started).toMatchObject({ exitCode: 0, stderr: '' });
    } else {
      expect(started).toMatchObject({ exitCode: 1, stdout: '' });
      expect(lines(started.stderr)).toHaveLength(1);
      expect(started.stderr).toContain(`own (${version ?? 'none'}) will not do. Install Node.js 24`);
    }
  });
});

describe('bin/test', () => {
  /** Static checks that only exit, and the real vitest over one file of tests. */
  function withTests(checkout: Checkout, tscExit: number): void {
    appendFileSync(
      join(checkout.tools, 'npm'),
      `
mkdir -p node_modules/@biomejs/biome/bin node_modules/typescript/bin node_modules/knip/bin
echo 'console.log("biome ran")' >node_modules/@biomejs/biome/bin/biome
echo 'process.exit(${tscExit})' >node_modules/typescript/bin/tsc
echo '' >node_modules/knip/bin/knip.js
`,
    );
    cpSync(join(repository, 'vitest.config.ts'), join(checkout.root, 'vitest.config.ts'));
    cpSync(join(repository, 'tests/helpers/reporter.ts'), join(checkout.root, 'tests/helpers/reporter.ts'));
    checkout.write('tests/helpers/global-setup.ts', 'export default () => { throw new Error("not for unit tests"); };');
    checkout.write(
      'tests/unit/some.test.ts',
      `import { expect, test } from 'vitest';
       test('one', () => expect(process.env.NODE_ENV).toBe('test'));
       test('two', () => expect(process.env.PROMETHEUS_NODE).toBeTruthy());
       test.skip('three', () => {});`,
    );
  }

  test('counts static checks with the tests, ends with the plain line, and keeps a record', async () => {
    const checkout = new Checkout();
    withTests(checkout, 0);
    const run = await checkout.start([], { CI: 'true', NODE_ENV: 'production' }, join(checkout.root, 'bin/test'));
    expect(lines(run.stdout).at(-1)).toBe('5 passed, 0 failed, 1 skipped');
    expect(run.exitCode).toBe(0);
    const record = JSON.parse(readFileSync(join(checkout.root, 'dist/tests.json'), 'utf8'));
    expect(record).toMatchObject({
      schema: 1,
      passed: 5,
      failed: 0,
      skipped: 1,
      staticChecks: { biome: true, tsc: true, knip: true },
      sha: null,
      dirty: null,
      build: checkout.builds()[0],
    });
    // Divided as the record was: the product of a decimal fraction and 1000 need not be whole.
    expect((Date.parse(record.finishedAt) - Date.parse(record.startedAt)) / 1000).toBe(record.durationSeconds);
  });

  test('fails on a static check, and runs the tests all the same', async () => {
    const checkout = new Checkout();
    withTests(checkout, 2);
    const run = await checkout.start([], {}, join(checkout.root, 'bin/test'));
    expect(lines(run.stdout).at(-1)).toBe('4 passed, 1 failed, 1 skipped');
    expect(run.exitCode).toBe(1);
    const linted = await checkout.start(['--lint'], {}, join(checkout.root, 'bin/test'));
    expect(lines(linted.stdout).at(-1)).toBe('2 passed, 1 failed, 0 skipped');
    expect(linted.exitCode).toBe(1);
  });

  test('with arguments runs just those tests, without checks and record', async () => {
    const checkout = new Checkout();
    withTests(checkout, 2);
    const run = await checkout.start(['some.test.ts', '-t', 'two'], {}, join(checkout.root, 'bin/test'));
    expect(lines(run.stdout).at(-1)).toBe('1 passed, 0 failed, 2 skipped');
    expect(run.stdout).not.toContain('biome ran');
    expect(run.exitCode).toBe(0);
    expect(existsSync(join(checkout.root, 'dist/tests.json'))).toBe(false);
  });

  test('counts a failure outside of any test', async () => {
    const checkout = new Checkout();
    withTests(checkout, 0);
    checkout.write('tests/integration/other.test.ts', "import { test } from 'vitest'; test('never runs', () => {});");
    const run = await checkout.start(['other.test.ts'], {}, join(checkout.root, 'bin/test'));
    expect(lines(run.stdout).at(-1)).toBe('0 passed, 1 failed, 0 skipped');
    expect(run.exitCode).toBe(1);
  });
});

async function commandPath(name: string): Promise<string> {
  return (await execa('/bin/sh', ['-c', `command -v ${name}`])).stdout;
}
