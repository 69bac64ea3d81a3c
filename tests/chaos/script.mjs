// A long job that keeps its own record of what it said: numbered lines to stdout, each noted in a ledger after it was
// written, and its exit code before it ends. node script.mjs --ledger FILE --lines N --exit CODE [--until FILE]; with
// --until it stops half-way until that file is there.
import { appendFileSync, existsSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    ledger: { type: 'string' },
    lines: { type: 'string' },
    exit: { type: 'string' },
    until: { type: 'string' },
  },
});
for (let i = 1; i <= Number(values.lines); i++) {
  writeSync(1, `line ${i} ${'·'.repeat(i % 80)}\n`);
  appendFileSync(values.ledger, `${i}\n`);
  if (i % 10 === 0) await sleep(20);
  while (values.until && i === Math.floor(values.lines / 2) && !existsSync(values.until)) await sleep(20);
}
appendFileSync(values.ledger, `exit ${values.exit}\n`);
process.exit(Number(values.exit));
