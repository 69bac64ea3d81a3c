/** What every backfill tells of its pace, so that the metrics of its job are series: rows/s, batches, time of a batch. */
import type { Events } from './events.ts';

/** Returns what is called at the end of each batch with the rows that it wrote; time counts from the batch before. */
export function batchMeter(events: Events, now: () => number): (rows: number) => void {
  let began = now();
  let batches = 0;
  const metric = (name: string, value: number, unit: string) => events.emit({ type: 'metric', name, value, unit });
  return (rows) => {
    const at = now();
    const seconds = (at - began) / 1000;
    began = at;
    batches++;
    if (seconds > 0) metric('rate', rows / seconds, 'rows/s');
    metric('batches', batches, 'batches');
    metric('batch time', seconds, 's');
  };
}
