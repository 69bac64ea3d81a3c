/** Bundles a program of the tests as the product is bundled: Node runs TypeScript by itself, but not JSX. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';

export interface Bundle {
  readonly file: string;
  remove(): void;
}

/** The program at `entry` (from the checkout's root) as one file. */
export async function bundleProgram(entry: string): Promise<Bundle> {
  const root = path.resolve(import.meta.dirname, '../..');
  const folder = mkdtempSync(path.join(tmpdir(), 'prometheus-bundle-'));
  const file = path.join(folder, 'program.mjs');
  await build({
    absWorkingDir: root,
    entryPoints: [path.join(root, entry)],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"', 'process.env.DEV': '"false"' },
    alias: { 'react-devtools-core': path.join(root, 'tests/helpers/empty.ts') },
    external: ['pg-native', 'onnxruntime-node'],
    banner: {
      js: "import { createRequire as requireFor } from 'node:module';const require = requireFor(import.meta.url);",
    },
    logLevel: 'error',
  });
  return { file, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
