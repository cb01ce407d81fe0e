import type { Metric, MetricValueWithName } from 'prom-client';
import { DURATIONS, type Registers } from './registers.ts';

interface DurationsOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly [string, string];
  readonly registers: Registers;
}

/** The durations for one combination of label values. */
class Series {
  /** By the bucket that a duration falls into; the last is above all bounds. */
  readonly counts = new Float64Array(DURATIONS.length + 1);
  /** A typed array, since V8 would allocate an object for each new value of a number in a field. */
  readonly sum = new Float64Array(1);

  add(seconds: number): void {
    let bucket = 0;
    while (bucket < DURATIONS.length && seconds > (DURATIONS[bucket] as number)) bucket += 1;
    (this.counts[bucket] as number) += 1;
    (this.sum[0] as number) += seconds;
  }
}

/**
 * Creates a histogram of durations. An observation costs two look-ups in maps and two additions, where prom-client checks, sorts and joins labels.
 * @returns observes a duration in seconds, with the values of both labels
 */
export function createDurations(options: DurationsOptions): (seconds: number, first: string, second: string) => void {
  const { name, help, labelNames, registers } = options;
  const known = new Map<string, Map<string, Series>>();

  function create(first: string, second: string): Series {
    const series = new Series();
    const seconds = known.get(first) ?? new Map<string, Series>();
    known.set(first, seconds.set(second, series));
    return series;
  }

  const read = async () => ({ name, help, type: 'histogram', aggregator: 'sum', values: samples() });
  const samples = () =>
    [...known].flatMap(([first, seconds]) =>
      [...seconds].flatMap(([second, series]) => samplesOf(name, series, { [labelNames[0]]: first, [labelNames[1]]: second })),
    );
  // A registry asks a metric for its name and its samples, and for nothing else.
  for (const registry of registers) registry.registerMetric({ name, get: read } as unknown as Metric);
  return (seconds, first, second) => (known.get(first)?.get(second) ?? create(first, second)).add(seconds);
}

function samplesOf(name: string, { counts, sum }: Series, labels: Readonly<Record<string, string>>): MetricValueWithName<string>[] {
  let count = 0;
  const buckets = Array.from(counts, (some, index) => {
    count += some;
    return { metricName: `${name}_bucket`, labels: { le: DURATIONS[index] ?? '+Inf', ...labels }, value: count };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum[0] as number },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
