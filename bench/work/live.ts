import { NOTIFIED, type SendInput, sendInputs } from '../data.ts';
import { startGateway } from '../gateway.ts';
import { INSPECTED, memoryOf } from '../inspector.ts';
import type { Target } from '../live-clients.ts';
import { LOAD_CORE, pinBackends, processorTime, watch } from '../machine.ts';
import { type Measured, mayGoOn, median, type Pace, TOLERATED } from '../measure.ts';
import { startPeer } from '../peers.ts';
import { Readers } from '../readers.ts';
import type { Server } from '../server.ts';
import type { Outcome, Work } from '../work.ts';
import { milliseconds } from './graph.ts';
import { eventsOf, sendText } from './live-events.ts';

/** Of the subscribers, those that connect before memory is looked at: what a server loads or compiles for the first of them is no subscriber's. */
const FIRST = 0.1;
/** Texts in a burst. */
const BURST = 40;

/** A server with its subscribers. */
interface Side {
  readonly server: Server;
  readonly readers: Readers;
  /** KiB a subscriber, after garbage collection. */
  readonly heap: number;
  readonly resident: number;
  readonly burst: (texts: number) => Promise<void>;
}

interface Burst {
  readonly perSecond: number;
  readonly microseconds: number;
  readonly postgres: number;
  readonly busy: number;
  readonly median: number;
  readonly p99: number;
  readonly isDisturbed: boolean;
}

/**
 * Message events to many graphql-ws subscribers of the gateway, beside a plain ws broadcast of as many bytes to as many sockets. The messages are sent
 * at once through a second gateway on the load's core, in conversations whose lanes wait, so that each has one event; the clock runs from the first request until the last event is there everywhere.
 */
export const live: Work = async (bench) => {
  const { data, subscribers } = bench;
  const gateway = await startGateway(data.url, { node: INSPECTED });
  const writer = await startGateway(data.url, { core: LOAD_CORE });
  const plain = await startPeer('broadcast', data.url, '', [INSPECTED]);
  const inputs = await sendInputs(data.url);
  const ours = await connected(gateway, subscribers, eventsOf(gateway, 'graphql-ws'), (texts) => sendAll(writer, inputs, texts));
  let bytes = 440;
  const plainBurst = async (texts: number) => {
    await fetch(plain.url, { method: 'POST', body: JSON.stringify({ texts, bytes }) });
  };
  const theirs = await connected(plain, subscribers, { url: plain.url, transport: 'ws' }, plainBurst);
  const storing = await startPeer('listen-notify', data.url, NOTIFIED, [INSPECTED]);
  const storingWriter = await startPeer('listen-notify', data.url, NOTIFIED, [], { core: LOAD_CORE });
  const notified = await sendInputs(data.url, NOTIFIED);
  const stored = await connected(storing, subscribers, { url: storing.url, transport: 'ws' }, (texts) =>
    sendAll(storingWriter, notified, texts),
  );
  try {
    const texts = bench.smoke ? 5 : BURST;
    for (const _warmUp of [1, 2]) {
      ({ bytes } = await ours.readers.measure(texts, () => ours.burst(texts)));
      await theirs.readers.measure(texts, () => theirs.burst(texts));
      await stored.readers.measure(texts, () => stored.burst(texts));
    }
    const sides = [ours, theirs, stored];
    return compared(subscribers, ours, theirs, await alternate(bench.pace, sides, [writer.pid, storingWriter.pid], texts));
  } finally {
    for (const { readers } of [ours, theirs, stored]) readers.end();
  }
};

async function connected(server: Server, count: number, target: Target, burst: Side['burst']): Promise<Side> {
  const readers = new Readers();
  const first = Math.ceil(count * FIRST);
  await readers.tell({ do: 'connect', count: first, ...target });
  const before = await memoryOf(server);
  await readers.tell({ do: 'connect', count: count - first, ...target });
  const after = await memoryOf(server);
  const perReader = (kib: number) => kib / (count - first);
  return { server, readers, burst, heap: perReader(after.heap - before.heap), resident: perReader(after.resident - before.resident) };
}

/** Sends messages at once, each with the moment at which it was. */
async function sendAll(writer: Server, inputs: readonly SendInput[], texts: number): Promise<void> {
  await Promise.all(inputs.slice(0, texts).map((input) => sendText(writer, input)));
}

async function alternate(pace: Pace, sides: readonly Side[], writers: readonly number[], texts: number): Promise<Burst[][]> {
  const bursts: { good: Burst[]; bad: Burst[] }[] = sides.map(() => ({ good: [], bad: [] }));
  for (let round = 0; mayGoOn(round, { ...pace, rounds: pace.repeats, tries: pace.repeats * 3 }); round += 1) {
    for (const [index, side] of sides.entries()) {
      const had = bursts[index];
      if (!had || had.good.length >= pace.repeats) continue;
      const burst = await measured(side, texts, pace.database, writers);
      had[burst.isDisturbed ? 'bad' : 'good'].push(burst);
    }
  }
  return bursts.map(({ good, bad }) => [...good, ...bad].slice(0, pace.repeats));
}

async function measured({ server, readers, burst }: Side, texts: number, database: string, writers: readonly number[]): Promise<Burst> {
  pinBackends(database);
  const watched = watch([server.pid, readers.pid, ...writers], database);
  const cpu = processorTime(server.pid);
  let began = 0n;
  const { last, delays } = await readers.measure(texts, async () => {
    began = process.hrtime.bigint();
    await burst(texts);
  });
  const used = processorTime(server.pid) - cpu;
  const { postgres, others, stolen } = watched();
  const seconds = Number(BigInt(last) - began) / 1e9;
  const sorted = [...delays].sort((a, b) => a - b);
  return {
    perSecond: delays.length / seconds,
    microseconds: (used * 1e6) / delays.length,
    postgres: (postgres * seconds * 1e6) / delays.length,
    busy: used / seconds,
    median: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN,
    p99: sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN,
    isDisturbed: others + stolen > TOLERATED,
  };
}

function compared(subscribers: number, ours: Side, theirs: Side, [gateway = [], plain = [], stored = []]: readonly Burst[][]): Outcome {
  const measured = [summary('gateway', gateway), summary('plain ws', plain), summary('ws by LISTEN and NOTIFY', stored)] as const;
  const [fast, faster, bare] = measured;
  const rateOf = ({ perSecond, microseconds }: Measured) => `${Math.round(perSecond)}/s, ${microseconds.toFixed(1)} µs`;
  const kib = (value: number) => `${value.toFixed(1)} KiB`;
  return {
    rows: [
      {
        work: `live events delivered to ${subscribers} subscribers`,
        beside: 'plain ws broadcast',
        gateway: rateOf(fast),
        peer: rateOf(faster),
        is: fast.perSecond / faster.perSecond,
        byProcessor: faster.microseconds / fast.microseconds,
        isByProcessor: true,
        mark: { atLeast: 3 },
      },
      {
        work: `a burst of ${BURST} events to ${subscribers} subscribers, median delay`,
        beside: 'ws broadcast by LISTEN and NOTIFY',
        gateway: milliseconds(fast.median),
        peer: milliseconds(bare.median),
        is: fast.median / bare.median,
        mark: { atMost: 3 },
      },
      {
        work: 'memory per subscriber, resident',
        beside: 'plain ws broadcast',
        gateway: kib(ours.resident),
        peer: kib(theirs.resident),
        is: ours.resident / theirs.resident,
        mark: { atMost: 1.5 },
      },
      {
        work: 'memory per subscriber, heap and buffers',
        beside: 'plain ws broadcast',
        gateway: kib(ours.heap),
        peer: kib(theirs.heap),
        is: ours.heap / theirs.heap,
      },
    ],
    measured,
  };
}

function summary(name: string, bursts: readonly Burst[]): Measured {
  const of = (field: Exclude<keyof Burst, 'isDisturbed'>) => median(bursts.map((burst) => burst[field]));
  const disturbed = bursts.filter(({ isDisturbed }) => isDisturbed).length;
  const numbers = {
    perSecond: of('perSecond'),
    microseconds: of('microseconds'),
    postgres: of('postgres'),
    busy: of('busy'),
    median: of('median'),
    p99: of('p99'),
  };
  return { name, ...numbers, windows: bursts.length, thrownAway: 0, disturbed };
}
