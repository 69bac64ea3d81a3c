/** Process exit codes; the meaning is part of the command-line contract. */
export const Exit = { done: 0, failed: 1, usage: 2, partial: 3, interrupted: 130 } as const;
export type ExitCode = (typeof Exit)[keyof typeof Exit];

/**
 * An error that a person caused or can mend. It is printed as one line (`message`, then `fix`) without a stack trace.
 * `message` says what happened and where; `fix` says what to do about it.
 */
export class UserError extends Error {
  readonly fix: string;
  readonly exitCode: ExitCode;

  constructor(message: string, fix: string, options: { exitCode?: ExitCode; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'UserError';
    this.fix = fix;
    this.exitCode = options.exitCode ?? Exit.failed;
  }
}

/** A command line, configuration or argument that cannot be accepted: exit code 2. */
export class UsageError extends UserError {
  constructor(message: string, fix: string, options: { cause?: unknown } = {}) {
    super(message, fix, { ...options, exitCode: Exit.usage });
    this.name = 'UsageError';
  }
}

/** The operator asked to stop (Ctrl-C, TERM): exit code 130. */
export class InterruptedError extends UserError {
  constructor(what: string) {
    super(`${what} was interrupted`, 'Nothing half-written remains; run the same command again.', {
      exitCode: Exit.interrupted,
    });
    this.name = 'InterruptedError';
  }
}

/** The `code` of a Node or PostgreSQL error (`ENOENT`, `ENOSPC`, `28P01`, …), or undefined. */
export function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** One line of text for any thrown value. */
export function errorMessage(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.replace(/\s*\n\s*/g, ' · ').trim();
}
