/** Traffic of the network interfaces. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { errorMessage } from '../platform/errors.ts';
import { parseNetTraffic, rate, type Traffic } from './proc-io.ts';
import type { NetworkSample } from './types.ts';

const LOOPBACK = 'lo';

/** Reads the interfaces. Rates are over the time since the previous call, so the first call has none. */
export class NetworkSampler {
  readonly #procRoot: string | null;
  readonly #sysRoot: string;
  #before: { readonly at: number; readonly traffic: ReadonlyMap<string, Traffic> } | null = null;
  /** An interface never turns from a real one into a virtual one. */
  readonly #virtual = new Map<string, boolean>();

  constructor(procRoot: string | null, sysRoot: string) {
    this.#procRoot = procRoot;
    this.#sysRoot = sysRoot;
  }

  read(): NetworkSample {
    const nothing = { rxBytesPerSecond: null, txBytesPerSecond: null, interfaces: [] };
    if (this.#procRoot === null) return { ...nothing, problem: 'this system does not tell network traffic' };
    const at = performance.now();
    let traffic: Map<string, Traffic>;
    try {
      traffic = parseNetTraffic(readFileSync(path.join(this.#procRoot, 'net/dev'), 'utf8'));
    } catch (error) {
      this.#before = null;
      return { ...nothing, problem: errorMessage(error) };
    }
    const before = this.#before;
    this.#before = { at, traffic };
    const seconds = before ? (at - before.at) / 1000 : 0;
    const interfaces = [...traffic]
      .filter(([name]) => name !== LOOPBACK)
      .map(([name, now]) => {
        const then = before?.traffic.get(name);
        return {
          name,
          virtual: this.#isVirtual(name),
          rxBytesPerSecond: rate(then?.inBytes, now.inBytes, seconds),
          txBytesPerSecond: rate(then?.outBytes, now.outBytes, seconds),
        };
      });
    const real = interfaces.filter((one) => !one.virtual);
    // In a container every interface is virtual, and then none of them counts another's bytes.
    const counted = real.length ? real : interfaces;
    return {
      rxBytesPerSecond: sum(counted.map((one) => one.rxBytesPerSecond)),
      txBytesPerSecond: sum(counted.map((one) => one.txBytesPerSecond)),
      interfaces,
      problem: null,
    };
  }

  #isVirtual(name: string): boolean {
    let virtual = this.#virtual.get(name);
    if (virtual === undefined) {
      virtual = !existsSync(path.join(this.#sysRoot, 'class/net', name, 'device'));
      this.#virtual.set(name, virtual);
    }
    return virtual;
  }
}

/** Of those that are known; null when none is. */
function sum(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length ? known.reduce((total, value) => total + value, 0) : null;
}
