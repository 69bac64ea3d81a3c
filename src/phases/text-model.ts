/** Whether the text model that Phase 4 reads is installed in this home. */
import { access } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../platform/errors.ts';
import type { Home } from '../platform/home.ts';
import { type Probe, probeFile } from './probes.ts';

/** Looks for `<home>/models/<id>/model.json`; what it says is the program's to check. */
export function probeTextModel(home: Home, id: string, now: () => number): Promise<Probe<boolean>> {
  const file = path.join(home.models, id, 'model.json');
  return probeFile(file, now, async () => {
    try {
      await access(file);
      return true;
    } catch (error) {
      if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return false;
      throw error;
    }
  });
}
