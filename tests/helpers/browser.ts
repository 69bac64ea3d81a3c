/** A Chromium of this machine without a window, spoken to over pipes (Chrome DevTools Protocol). */
import { spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';

const NAMES = ['chromium', 'chromium-browser', 'chromium-headless-shell', 'google-chrome', 'google-chrome-stable'];

/** The browser's program; null when this machine has none. */
export function findBrowser(): string | null {
  for (const folder of (process.env.PATH ?? '').split(path.delimiter))
    for (const name of NAMES) {
      const file = path.join(folder, name);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // Not here.
      }
    }
  return null;
}

export interface Visit {
  /** The value of an expression on the page. */
  evaluate<T>(expression: string): Promise<T>;
  /** Addresses that the page asked for. */
  readonly requests: readonly string[];
  /** What the page complained about. */
  readonly complaints: readonly string[];
}

/** Opens a file, and closes the browser when `look` is done. */
export async function visitFile(browser: string, file: string, look: (visit: Visit) => Promise<void>): Promise<void> {
  const profile = mkdtempSync(path.join(tmpdir(), 'prometheus-browser-'));
  const child = spawn(
    browser,
    [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      `--user-data-dir=${profile}`,
      '--remote-debugging-pipe',
    ],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
  );
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  try {
    const { send, on } = connect(child.stdio[3] as Writable, child.stdio[4] as Readable, ended);
    const requests: string[] = [];
    const complaints: string[] = [];
    on('Network.requestWillBeSent', (event) => requests.push((event.request as { url: string }).url));
    on('Log.entryAdded', (event) => complaints.push((event.entry as { text: string }).text));
    const loaded = new Promise<void>((resolve) => on('Page.loadEventFired', () => resolve()));
    const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
    const session = sessionId as string;
    for (const domain of ['Page', 'Network', 'Log', 'Runtime']) await send(`${domain}.enable`, {}, session);
    await send('Page.navigate', { url: pathToFileURL(file).href }, session);
    await loaded;
    await look({
      requests,
      complaints,
      evaluate: async <T>(expression: string) => {
        const { result, exceptionDetails } = await send(
          'Runtime.evaluate',
          { expression, returnByValue: true },
          session,
        );
        if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
        return (result as { value: T }).value;
      },
    });
  } finally {
    child.kill('SIGKILL');
    await ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

type Message = Record<string, unknown>;

/** Messages are JSON with a zero byte after each. */
function connect(input: Writable, output: Readable, ended: Promise<void>) {
  const waiting = new Map<number, { resolve: (result: Message) => void; reject: (error: Error) => void }>();
  const listeners = new Map<string, (event: Message) => void>();
  let rest = '';
  let last = 0;
  output.setEncoding('utf8');
  output.on('data', (chunk: string) => {
    const messages = (rest + chunk).split('\0');
    rest = messages.pop()!;
    for (const text of messages) {
      const message = JSON.parse(text) as Message;
      const call = waiting.get(message.id as number);
      if (!call) listeners.get(message.method as string)?.(message.params as Message);
      else if (message.error) call.reject(new Error(JSON.stringify(message.error)));
      else call.resolve(message.result as Message);
    }
  });
  input.on('error', () => {});
  void ended.then(() => {
    for (const { reject } of waiting.values()) reject(new Error('the browser ended'));
  });
  return {
    on: (method: string, listener: (event: Message) => void) => listeners.set(method, listener),
    send: (method: string, params: Message, sessionId?: string): Promise<Message> =>
      new Promise((resolve, reject) => {
        const id = ++last;
        waiting.set(id, { resolve, reject });
        input.write(`${JSON.stringify({ id, method, params, ...(sessionId ? { sessionId } : {}) })}\0`);
      }),
  };
}
