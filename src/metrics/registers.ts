import type { OpenMetricsContentType, Registry } from 'prom-client';

/** Where metrics are registered. */
export type Registers = Registry<OpenMetricsContentType>[];

/** From 1 ms to 30 s. */
export const DURATIONS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** How many values a label may have whose values others choose, such as a carrier's error codes. Further ones become `other`. */
const MAX_VALUES = 100;
const VALUE = /^[\w.-]{1,40}$/;

/** Bounds the values of a label. */
export function boundedLabel(): (value: string) => string {
  const known = new Set<string>();
  return (value) => {
    if (known.has(value)) return value;
    if (known.size >= MAX_VALUES || !VALUE.test(value)) return 'other';
    known.add(value);
    return value;
  };
}
