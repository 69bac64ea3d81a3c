// A long job that keeps its own record of what it said: numbered lines to stdout, each noted in a ledger after it was
// written, and its exit code before it ends. node script.mjs --ledger FILE --lines N --exit CODE [--until FILE]; with
// --until it stops half-way until that file is there. Where a line finds no room it notes the bytes that did, and ends with 74.
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
  const line = Buffer.from(`line ${i} ${'·'.repeat(i % 80)}\n`);
  let done = 0;
  try {
    while (done < line.length) done += writeSync(1, line, done);
  } catch (error) {
    if (error.code !== 'ENOSPC') throw error;
    if (done > 0) appendFileSync(values.ledger, `torn ${done}\n`);
    appendFileSync(values.ledger, 'exit 74\n');
    process.exit(74);
  }
  appendFileSync(values.ledger, `${i}\n`);
  if (i % 10 === 0) await sleep(20);
  while (values.until && i === Math.floor(values.lines / 2) && !existsSync(values.until)) await sleep(20);
}
appendFileSync(values.ledger, `exit ${values.exit}\n`);
process.exit(Number(values.exit));
