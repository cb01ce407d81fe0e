import { Counter } from 'prom-client';
import type { Registers } from './registers.ts';

interface TallyOptions<Label extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly Label[];
  readonly registers: Registers;
}

/** A counter that costs a look-up in a map: prom-client sorts and joins labels each time, which is left to the reading here. */
export function createTally<Label extends string>({ labelNames, ...options }: TallyOptions<Label>): (...values: string[]) => void {
  const counts = new Map<string, { readonly values: readonly string[]; count: number }>();
  new Counter<Label>({
    ...options,
    labelNames: [...labelNames],
    collect() {
      this.reset();
      for (const { values, count } of counts.values()) this.labels(...values).inc(count);
    },
  });
  return (...values) => {
    const key = values.join(' ');
    const known = counts.get(key);
    if (known) known.count += 1;
    else counts.set(key, { values, count: 1 });
  };
}
