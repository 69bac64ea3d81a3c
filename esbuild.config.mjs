// Bundles the programs of the product into the folder named as the only argument. bin/launcher.sh calls this with a
// folder of its own, and gives that its final name, dist/<hash of the sources>, when it is complete.
import { join } from 'node:path';
import { build } from 'esbuild';

const [outdir] = process.argv.slice(2);
if (!outdir) {
  process.stderr.write('esbuild.config.mjs: name the folder to build into, or start bin/prometheus, which does.\n');
  process.exit(2);
}

/** Ink imports its debugger statically but uses it in development only; the package is not installed. */
const withoutDevtools = {
  name: 'without-devtools',
  setup(bundler) {
    bundler.onResolve({ filter: /^react-devtools-core$/ }, ({ path }) => ({ path, namespace: 'empty' }));
    bundler.onLoad({ filter: /.*/, namespace: 'empty' }, () => ({ contents: 'export default {};' }));
  },
};

// Bundled CommonJS packages call require for Node's own modules, which an ES module lacks.
const banner =
  "import { createRequire as createRequireOfBundle } from 'node:module';const require = createRequireOfBundle(import.meta.url);";

const root = import.meta.dirname;

try {
  await build({
    absWorkingDir: root,
    entryPoints: {
      main: join(root, 'src/cli/main.ts'),
      shim: join(root, 'src/supervisor/shim.ts'),
      'backtest-worker': join(root, 'engines/backtest/worker.ts'),
      'compare-worker': join(root, 'engines/compare/worker.ts'),
      'numeric-worker': join(root, 'engines/numeric/worker.ts'),
      'text-worker': join(root, 'engines/text/backfill/worker.ts'),
    },
    outdir,
    bundle: true,
    // Each command is a chunk of its own, loaded when it is called.
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    minify: true,
    // Read only when a stack is printed, which is what --debug does.
    sourcemap: 'linked',
    sourcesContent: false,
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"', 'process.env.DEV': '"false"' },
    // Native code stays a package; pg-native is an option of pg that nobody installs here.
    external: ['onnxruntime-node', 'pg-native'],
    plugins: [withoutDevtools],
    banner: { js: banner },
    legalComments: 'none',
    logLevel: 'error',
  });
} catch {
  // esbuild has printed the errors.
  process.exit(1);
}
