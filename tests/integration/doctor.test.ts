/** `prometheus doctor` as a person calls it, over real databases. */
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEmptyDatabases, createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { MAIN } from '../helpers/processes.ts';

let folder: string;
let pair: TestDatabases;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'doctor-'));
  mkdirSync(path.join(folder, 'bin'));
  pair = await createTestDatabases();
});
afterAll(async () => {
  await pair.drop();
  rmSync(folder, { recursive: true });
});

function doctor(
  urls: { historical: string; runtime: string } | null,
  ...args: string[]
): Promise<{ code: number; out: string; err: string }> {
  const env = {
    PATH: `${path.join(folder, 'bin')}:${process.env.PATH}`,
    HOME: folder,
    LANG: 'C.UTF-8',
    PROMETHEUS_HOME: path.join(folder, 'home'),
  };
  const flags = urls ? ['--historical', urls.historical, '--runtime', urls.runtime] : [];
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, 'doctor', ...flags, ...args], { cwd: folder, env }, (error, out, err) => {
      resolve({ code: error ? Number(error.code) : 0, out, err });
    });
  });
}
/** Puts a program on PATH that answers as recorded. */
const fake = (name: string, script: string) => {
  const file = path.join(folder, 'bin', name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
};
const nvidiaSmi = (script: string) => fake('nvidia-smi', script);

interface Line {
  readonly name: string;
  readonly state: string;
  readonly seen: string;
  readonly advice: string;
}
const linesOf = (out: string): Map<string, Line> =>
  new Map(
    (JSON.parse(out).sections as { findings: Line[] }[]).flatMap(({ findings }) =>
      findings.map((one) => [one.name, one]),
    ),
  );

describe('prometheus doctor', () => {
  test('tells all of it with a stable schema, and changes nothing', async () => {
    nvidiaSmi('echo "0, Tesla V100-SXM2-32GB, 550.54.15, 32768, 7.0"');
    const { code, out, err } = await doctor(pair.urls, '--json');
    expect(err).toBe('');
    const found = JSON.parse(out);
    expect(Object.keys(found).sort()).toEqual(['ok', 'schema', 'sections']);
    expect(found.sections.map((section: { title: string }) => section.title)).toEqual([
      'versions',
      'paths',
      'databases',
      'disks',
      'GPU',
      'limits',
      'terminal',
      'session',
    ]);
    const lines = linesOf(out);
    for (const line of lines.values()) expect(Object.keys(line).sort()).toEqual(['advice', 'name', 'seen', 'state']);
    for (const line of lines.values())
      if (line.state === 'WARN' || line.state === 'FAIL') expect(line.advice).not.toBe('');
    expect(lines.get('runtime')).toMatchObject({
      state: 'OK',
      seen: expect.stringContaining('migrations applied, none pending'),
    });
    expect(lines.get('runtime server')?.seen).toMatch(/^PostgreSQL 18\.4, UTF8/);
    expect(lines.get('onnxruntime')).toMatchObject({ state: 'OK', seen: expect.stringMatching(/^1\.30\.0, .*cpu/) });
    expect(lines.get('GPU 0')).toMatchObject({ state: 'OK' });
    expect(lines.get('home')?.seen).toContain('not made yet');
    expect(code).toBe([...lines.values()].some(({ state }) => state === 'FAIL') ? 1 : 0);
    expect(existsSync(path.join(folder, 'home'))).toBe(false);
  });

  test('exits 1 for what FAILs, with what to do in at most 100 columns', async () => {
    nvidiaSmi('echo "Failed to initialize NVML: Driver/library version mismatch"; exit 18');
    const empty = await createEmptyDatabases();
    try {
      const urls = { historical: 'postgresql://me:canary@127.0.0.1:1/x', runtime: empty.urls.runtime };
      const { code, out } = await doctor(urls);
      expect(code).toBe(1);
      expect(out).toMatch(/✗ FAIL {2}historical .*no server answers/);
      expect(out).toMatch(/✗ FAIL {2}runtime .*lacks|✗ FAIL {2}runtime /);
      expect(out).toContain('→ Run: prometheus db migrate');
      expect(out).toMatch(/✗ FAIL {2}GPU .*version mismatch/);
      expect(out).not.toContain('canary');
      expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
    } finally {
      await empty.drop();
    }
  });

  test('a profile asks for CUDA and cuDNN as the loader finds them, without them for the toolkit', async () => {
    nvidiaSmi('echo "Tesla V100-PCIE-32GB, 580.65.06, 7.0"');
    const libraries = path.join(folder, 'libraries');
    mkdirSync(libraries);
    for (const [link, file] of [
      ['libcudart.so.12', 'libcudart.so.12.4.127'],
      ['libcudnn.so.9', 'libcudnn.so.9.11.0'],
    ]) {
      writeFileSync(path.join(libraries, file), '');
      symlinkSync(file, path.join(libraries, link));
    }
    const line = (name: string) => `\t${name} (libc6,x86-64) => ${libraries}/${name}`;
    const listed = ['2 libs found in cache', ...['libcudart.so.12', 'libcudnn.so.9', 'libcudnn_ops.so.9'].map(line)];
    fake('ldconfig', `cat <<'END'\n${listed.join('\n')}\nEND`);
    const found = linesOf((await doctor(null, '--profile', 'threadripper', '--json')).out);
    expect(found.get('CUDA')).toMatchObject({ state: 'OK', seen: '12.4.127' });
    expect(found.get('cuDNN')).toMatchObject({ state: 'WARN', seen: '9.11.0, the profile has 9.10.2: differs' });

    fake('ldconfig', 'echo "0 libs found in cache"');
    fake('nvcc', 'echo "nvcc: NVIDIA (R) Cuda compiler driver\nCuda compilation tools, release 13.0, V13.0.88"');
    const toolkit = linesOf((await doctor(null, '--profile', 'threadripper', '--json')).out);
    expect(toolkit.get('CUDA')).toMatchObject({ state: 'WARN', seen: '13.0, the profile has 12.x: differs' });
    expect(toolkit.get('cuDNN')).toMatchObject({ state: 'UNKN' });
  });

  test('an embedded server that is down is no failure: it is started when it is needed', async () => {
    const lines = linesOf((await doctor(null, '--json')).out);
    expect(lines.get('historical')).toMatchObject({
      state: 'WARN',
      advice: expect.stringContaining('prometheus db up'),
    });
  });
});
