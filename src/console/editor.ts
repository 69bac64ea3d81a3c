/** A value of the form in the operator's own editor. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../platform/errors.ts';

/**
 * Runs `$VISUAL` (else `$EDITOR`, else vi) on a text until the operator leaves it; returns what was saved. The file lies in a
 * folder that only the operator can read and is gone afterwards.
 * @throws UserError when there is no such editor, or it ended with a failure: then nothing is taken over.
 */
export async function editText(text: string, env: Readonly<Record<string, string | undefined>>): Promise<string> {
  const command = env.VISUAL || env.EDITOR || 'vi';
  const folder = mkdtempSync(join(tmpdir(), 'prometheus-edit-'));
  const file = join(folder, 'value.txt');
  try {
    writeFileSync(file, `${text}\n`, { mode: 0o600 });
    // As a shell understands it: EDITOR may have arguments.
    const child = spawn('/bin/sh', ['-c', `${command} "$1"`, 'sh', file], { stdio: 'inherit', env: { ...env } });
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', (code) => resolve(code));
    });
    const NOT_FOUND = 127;
    if (code === NOT_FOUND)
      throw new UserError(`there is no editor '${command}' on this machine`, 'Set EDITOR to one that is there.');
    if (code !== 0)
      throw new UserError(`the editor '${command}' ended with ${code ?? 'a signal'}`, 'The value is as it was.');
    return readFileSync(file, 'utf8').trimEnd();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
