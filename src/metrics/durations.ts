import type { Metric, MetricValueWithName } from 'prom-client';
import { DURATIONS, type Registers } from './registers.ts';

interface DurationsOptions<Label extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly Label[];
  readonly registers: Registers;
}

interface Series {
  readonly values: readonly string[];
  /** By the bucket that a duration falls into; the last is above all bounds. */
  readonly counts: number[];
  sum: number;
}

/**
 * A histogram of durations that costs a look-up in a map, as a tally does: prom-client checks, sorts and joins labels at each observation.
 * @returns counts a duration in seconds, with the values of the labels in their order
 */
export function createDurations<Label extends string>(options: DurationsOptions<Label>): (seconds: number, ...values: string[]) => void {
  const { name, help, labelNames, registers } = options;
  const known = new Map<string, Series>();
  const samplesOf = ({ values, counts, sum }: Series): MetricValueWithName<string>[] => {
    const labels = Object.fromEntries(labelNames.map((label, index) => [label, values[index] ?? '']));
    let count = 0;
    const buckets = counts.map((some, index) => {
      count += some;
      return { metricName: `${name}_bucket`, labels: { le: DURATIONS[index] ?? '+Inf', ...labels }, value: count };
    });
    return [...buckets, { metricName: `${name}_sum`, labels, value: sum }, { metricName: `${name}_count`, labels, value: count }];
  };
  const read = async () => ({ name, help, type: 'histogram', aggregator: 'sum', values: [...known.values()].flatMap(samplesOf) });
  // A registry asks a metric for its name and its samples, and for nothing else.
  for (const registry of registers) registry.registerMetric({ name, get: read } as unknown as Metric);
  return (seconds, ...values) => {
    const key = values.join(' ');
    let series = known.get(key);
    if (!series) {
      series = { values, counts: Array.from({ length: DURATIONS.length + 1 }, () => 0), sum: 0 };
      known.set(key, series);
    }
    const bucket = DURATIONS.findIndex((bound) => seconds <= bound);
    const place = bucket < 0 ? DURATIONS.length : bucket;
    series.counts[place] = (series.counts[place] ?? 0) + 1;
    series.sum += seconds;
  };
}
