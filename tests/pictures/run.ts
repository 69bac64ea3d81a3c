/** The pictures of the documents: every screen at 200×50 and at 80×24. Drawn again they are the same to the byte. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { bundleProgram } from '../helpers/bundle.ts';

const folder = path.join(process.env.PROMETHEUS_CHECKOUT!, 'docs/pictures');
mkdirSync(folder, { recursive: true });
const bundle = await bundleProgram('tests/pictures/draw.ts');
try {
  await execa(process.execPath, [bundle.file, folder], { stdout: 'inherit', stderr: 'inherit' });
} finally {
  bundle.remove();
}
