import { describe, expect, it } from 'vitest';
import {
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
  parseLimits,
  parseLogind,
  versionOf,
} from '../../src/cli/doctor-judgments.ts';

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;

describe('versions', () => {
  it.each([
    ['git version 2.39.5 (Apple Git-154)', [2, 39, 5]],
    ['11.19.1', [11, 19, 1]],
    ['18.4', [18, 4]],
    ['none', null],
  ])('are read from %j', (text, version) => expect(versionOf(text)).toEqual(version));

  it.each([
    [[2, 39], [2], false],
    [[9], [10], true],
    [[10, 0], [10, 0, 1], true],
    [[11], [10, 9], false],
  ])('%j is older than %j: %s', (version, than, older) => expect(isOlder(version, than)).toBe(older));

  it.each([
    [null, 'WARN'],
    ['9.1.0', 'WARN'],
    ['10.0.0', 'OK'],
    ['?', 'UNKN'],
  ])('judge a tool that answers %j: %s', (answer, state) =>
    expect(judgeTool('npm', answer, [10], 'why').state).toBe(state),
  );
});

describe('space', () => {
  const disk = { path: '/x', totalBytes: 100 * GIB, problem: null };
  it.each([
    [50 * GIB, 'OK'],
    [5 * GIB, 'WARN'],
    [500 * MIB, 'FAIL'],
    [null, 'UNKN'],
  ])('%s free is %s', (freeBytes, state) => expect(judgeSpace('home', { ...disk, freeBytes }).state).toBe(state));

  it('in /dev/shm', () => {
    expect(judgeSharedMemory(null).state).toBe('WARN');
    expect(judgeSharedMemory(64 * MIB)).toMatchObject({ state: 'WARN', advice: expect.stringContaining('--shm-size') });
    expect(judgeSharedMemory(GIB).state).toBe('OK');
  });
});

describe('limits', () => {
  /** Recorded on Linux 6.18. */
  const RECORDED = [
    'Limit                     Soft Limit           Hard Limit           Units     ',
    'Max cpu time              unlimited            unlimited            seconds   ',
    'Max core file size        0                    unlimited            bytes     ',
    'Max processes             96365                96365                processes ',
    'Max open files            20000                20000                files     ',
    'Max realtime timeout      unlimited            unlimited            us        ',
  ].join('\n');

  it('are read from the recorded table', () => {
    expect(judgeLimits(parseLimits(RECORDED)).map(({ name, state, seen }) => [name, state, seen])).toEqual([
      ['open files', 'OK', '20000'],
      ['processes', 'OK', '96365'],
      ['core dumps', 'OK', 'off'],
    ]);
    expect(parseLimits(RECORDED).get('cpu time')).toBe(Number.POSITIVE_INFINITY);
  });

  it('that are low are named with the way to raise them', () => {
    const low = parseLimits(RECORDED.replace('20000  ', '512    ').replace('96365 ', '32    '));
    expect(judgeLimits(low)).toMatchObject([
      { state: 'WARN', seen: '512', advice: expect.stringContaining('ulimit -n 1024') },
      { state: 'FAIL', seen: '32' },
      { state: 'OK' },
    ]);
  });

  it('are unknown where the system does not tell', () => {
    expect(judgeLimits(null).map(({ state }) => state)).toEqual(['UNKN', 'UNKN', 'UNKN']);
  });
});

describe('logind', () => {
  /** As Debian and Fedora ship it, commented defaults included. */
  const DEBIAN = '[Login]\n#NAutoVTs=6\n#KillUserProcesses=no\n#KillOnlyUsers=\n#KillExcludeUsers=root\n';
  const FEDORA = '[Login]\n#KillUserProcesses=yes\n#KillExcludeUsers=root\n';

  it.each<[string, string[], Partial<LogindSettings>]>([
    ['a commented default', [DEBIAN], { killUserProcesses: false, killOnlyUsers: [], killExcludeUsers: ['root'] }],
    ['the default of upstream', [''], { killUserProcesses: true }],
    ['an assignment', [`${DEBIAN}KillUserProcesses=yes\n`], { killUserProcesses: true }],
    [
      'a drop-in',
      [DEBIAN, '[Login]\nKillUserProcesses = true\nKillOnlyUsers=ann bob\n'],
      { killUserProcesses: true, killOnlyUsers: ['ann', 'bob'] },
    ],
    [
      'a later drop-in',
      [DEBIAN, '[Login]\nKillUserProcesses=yes', '[Login]\nKillUserProcesses=no'],
      { killUserProcesses: false },
    ],
    ['comments of a drop-in', [DEBIAN, '[Login]\n#KillUserProcesses=yes'], { killUserProcesses: false }],
    ['another section', [DEBIAN, '[Sleep]\nKillUserProcesses=yes'], { killUserProcesses: false }],
  ])('takes %s', (_, texts, settings) => expect(parseLogind(texts)).toMatchObject(settings));

  const facts = { systemd: true, logind: parseLogind([FEDORA]), user: 'ann', linger: false };
  it.each([
    ['no systemd', { ...facts, systemd: false }, ['OK'], ''],
    ['processes are left alone', { ...facts, logind: parseLogind([DEBIAN]) }, ['OK', 'OK'], ''],
    ['processes are ended', facts, ['WARN', 'OK'], 'loginctl enable-linger ann'],
    ['root is excluded', { ...facts, user: 'root' }, ['OK', 'OK'], ''],
    ['others are meant', { ...facts, logind: parseLogind([`${FEDORA}KillOnlyUsers=bob`]) }, ['OK', 'OK'], ''],
    ['linger alone does not help', { ...facts, linger: true }, ['WARN', 'OK'], 'systemd user unit'],
    ['nothing can be told', { ...facts, logind: null, linger: null }, ['UNKN', 'UNKN'], 'KillUserProcesses'],
  ])('judges: %s', (_, given, states, advice) => {
    const findings = judgeSession(given);
    expect(findings.map(({ state }) => state)).toEqual(states);
    expect(findings[0].advice).toContain(advice);
  });
});

describe('GPU', () => {
  it.each([
    [null, 'WARN', 'no nvidia-smi on this machine'],
    [
      { text: '0, Tesla V100-SXM2-32GB, 550.54.15, 32768, 7.0', failed: false },
      'OK',
      'Tesla V100-SXM2-32GB, 32768 MiB, compute capability 7.0, driver 550.54.15',
    ],
    [{ text: '0, V100, 550.54.15, [GPU is lost], [N/A]', failed: false }, 'FAIL', 'GPU is lost'],
    [{ text: '0, V100, 550.54.15, [Unknown Error], 7.0', failed: false }, 'FAIL', 'Unknown Error'],
    [{ text: 'Failed to initialize NVML: Driver/library version mismatch', failed: true }, 'FAIL', 'version mismatch'],
    [{ text: 'nvidia-smi does not answer', failed: true }, 'FAIL', 'does not answer'],
    [{ text: '', failed: false }, 'FAIL', 'says nothing'],
  ])('%j is %s', (answer, state, seen) => {
    const [first] = judgeGpus(answer);
    expect(first.state).toBe(state);
    expect(first.seen).toContain(seen);
  });

  it('tells each of several', () => {
    const text = '0, A, 1.2, 10, 7.0\n1, B, C, 1.2, 20, 8.0';
    expect(judgeGpus({ text, failed: false }).map(({ name }) => name)).toEqual(['GPU 0', 'GPU 1']);
  });
});

describe('folders', () => {
  const folder = { path: '/h', mode: 0o40700, writable: true, isFolder: true };
  it.each([
    [folder, 'OK'],
    [{ ...folder, mode: 0o40711 }, 'OK'],
    [{ ...folder, mode: 0o40755 }, 'WARN'],
    [{ ...folder, writable: false }, 'FAIL'],
    [{ ...folder, isFolder: false }, 'FAIL'],
    [{ ...folder, mode: null }, 'OK'],
  ])('%j is %s', (given, state) => expect(judgeFolder('home', given).state).toBe(state));
});

describe('servers', () => {
  const good = {
    version: '18.4',
    encoding: 'UTF8',
    maxConnections: 100,
    sharedBuffersBytes: GIB,
    fsync: true,
    autovacuum: true,
    readOnly: false,
  };
  it('with good settings are OK', () =>
    expect(judgeSettings('server', good)).toMatchObject({ state: 'OK', advice: '' }));

  it.each([
    [{ version: '13.9 (Debian)' }, /before 14/],
    [{ encoding: 'SQL_ASCII' }, /UTF8/],
    [{ maxConnections: 10 }, /max_connections/],
    [{ sharedBuffersBytes: 16 * MIB }, /shared_buffers/],
    [{ fsync: false }, /fsync/],
    [{ autovacuum: false }, /autovacuum/],
    [{ readOnly: true }, /standby/],
  ])('with %j are worth a word', (change, advice) => {
    expect(judgeSettings('server', { ...good, ...change })).toMatchObject({
      state: 'WARN',
      advice: expect.stringMatching(advice),
    });
  });
});

describe('terminal and packages', () => {
  it('a plain terminal is told of', () => {
    const states = (ascii: boolean, term: string) =>
      judgeTerminal({ ascii, locale: ascii ? '' : 'C.UTF-8', term }).map(({ state }) => state);
    expect(states(true, 'dumb')).toEqual(['WARN', 'WARN']);
    expect(states(false, 'xterm-256color')).toEqual(['OK', 'OK']);
  });

  it('onnxruntime tells what it brings along', () => {
    expect(judgeOnnx({ version: '1.30.0', providers: ['cpu', 'cuda'], bundled: ['cpu'] })).toMatchObject({
      state: 'OK',
      seen: '1.30.0, providers: cpu; with libraries of their own: cuda',
    });
    expect(judgeOnnx({ problem: 'Error: no such file' })).toMatchObject({ state: 'FAIL', seen: 'Error: no such file' });
  });
});
