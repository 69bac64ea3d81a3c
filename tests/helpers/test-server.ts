/** What the run's PostgreSQL server and the tests agree on; imported by Vitest's main process and by the tests. */
import { type DatabaseName, makeTarget, passwordFrom, type Target } from '../../src/platform/db/targets.ts';

/** What a test needs to reach the server; plain data, since it travels between processes. */
export interface TestServer {
  readonly socketFolder: string;
  readonly passfile: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    testServer: TestServer;
  }
}

/** The database that a pair's half is cloned from. Nobody connects to it: PostgreSQL would then refuse to clone it. */
export const templateOf = (name: DatabaseName): string => `template_${name}`;

/** A database of the server, to open as one of a pair. */
export function targetOn({ socketFolder, passfile }: TestServer, name: DatabaseName, database: string): Target {
  const password = () => passwordFrom(passfile, 'the test server');
  return makeTarget(
    name,
    { host: socketFolder, port: 5432, database, user: 'prometheus', password },
    'the test server',
  );
}
