/** Worker threads of backfills. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('threads that are stopped inside ONNX Runtime do not take the process down', async () => {
  const file = path.resolve(import.meta.dirname, '../fixtures/stop-threads.ts');
  expect(await promisify(execFile)(process.execPath, [file])).toEqual({ stdout: 'alive', stderr: '' });
});
