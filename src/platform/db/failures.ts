import { errorCode, errorMessage, UserError } from '../errors.ts';
import type { Target } from './targets.ts';

/**
 * Turns a PostgreSQL or connection error into one line that says what, where and what to do.
 * Errors that are nobody's doing (a bug, a broken constraint) come back unchanged.
 */
export function describeFailure(error: unknown, target: Target): unknown {
  if (error instanceof UserError) return error;
  const code = errorCode(error);
  const detail = errorMessage(error);
  const fail = (what: string, fix: string) => new UserError(`${target.label}: ${what}`, fix, { cause: error });
  switch (code) {
    case 'ECONNREFUSED':
    case 'ENOENT':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
      return target.embedded
        ? fail('the embedded server does not answer', 'Start it with: prometheus db up')
        : fail(`no server answers (${detail})`, `Check ${target.source} and that the server runs.`);
    case '28P01':
    case '28000':
      return fail(`the server refused the login (${detail})`, `Mend the user or password in ${target.source}.`);
    case '3D000':
      return fail('the database does not exist', 'Create it, or let the embedded one be made: prometheus db up');
    case '42P01':
    case '3F000':
      return fail(
        detail,
        'See what is missing: prometheus db status. Steps that have not run: prometheus db migrate; what was lost since comes from a backup',
      );
    case '42703':
      return fail(
        detail,
        'Run: prometheus db migrate. If nothing is due, somebody dropped the column: restore it from a backup, or import into a new database.',
      );
    case '42501':
      return fail(detail, 'Grant the role this right, or use another role.');
    case '53100':
      return fail(`the disk of the server is full (${detail})`, 'Free some space; nothing half-written remains.');
    case '53300':
      return fail(`the server has no free connection (${detail})`, 'Close other clients or raise max_connections.');
    case '57014':
      return fail(
        `the statement was cancelled (${detail})`,
        'Try again when the server is less busy; a statement_timeout set for the role or database must leave time enough.',
      );
    case '25006':
      return fail('the connection is read-only', 'Use a role and a server that may write.');
    case '57P01':
    case '57P02':
    case '57P03':
    case '08006':
    case '08003':
    case 'ECONNRESET':
    case 'EPIPE':
      return fail(`the connection broke (${detail})`, 'See that the server is up, then run the same command again.');
    default:
      if (/client password must be a string/.test(detail)) {
        return fail('the server asks for a password and none is given', `Give one in ${target.source}.`);
      }
      // A file size limit (ulimit -f) has no SQLSTATE of its own.
      if (/File too large|No space left on device/.test(detail)) {
        return fail(`the disk of the server is full (${detail})`, 'Free some space; nothing half-written remains.');
      }
      if (
        /Connection terminated|connection error and is not queryable|timeout exceeded when trying to connect/.test(
          detail,
        )
      ) {
        return fail(`the connection broke (${detail})`, 'See that the server is up, then run the same command again.');
      }
      return error;
  }
}
