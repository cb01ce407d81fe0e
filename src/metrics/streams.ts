import { Counter, Gauge } from 'prom-client';
import type { Live } from '../live/live.ts';
import type { Registers } from './registers.ts';

/** The streams of this instance. */
export type Streams = Pick<Live, 'streams' | 'resumed' | 'behind'>;

/** Live streams. */
export function streamMetrics(registers: Registers, streams: () => Streams | undefined): void {
  new Gauge({
    name: 'gateway_streams',
    help: 'Live streams that are open on this instance',
    registers,
    collect() {
      this.set(streams()?.streams ?? 0);
    },
  });
  new Gauge({
    name: 'gateway_stream_events_behind',
    help: 'Events that the stream that is furthest behind has still to take or send',
    registers,
    collect() {
      this.set(streams()?.behind ?? 0);
    },
  });
  new Counter({
    name: 'gateway_stream_resumes_total',
    help: 'Live streams that began after a cursor',
    registers,
    collect() {
      this.reset();
      this.inc(streams()?.resumed ?? 0);
    },
  });
}
