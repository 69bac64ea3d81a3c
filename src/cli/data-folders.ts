/** Folders beside the home that fill up as well. */
import { existsSync } from 'node:fs';
import { embeddedServer } from '../platform/db/embedded.ts';
import type { Home } from '../platform/home.ts';
import type { DiskPath } from '../telemetry/disks.ts';

/** Where the embedded server keeps its data, when it has some and that is not inside the home. */
export function dataFolders(home: Home): DiskPath[] {
  const { dataFolder } = embeddedServer(home);
  return existsSync(dataFolder) && !dataFolder.startsWith(home.root) ? [{ name: 'postgres', path: dataFolder }] : [];
}
