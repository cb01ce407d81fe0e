import { setTimeout as delay } from 'node:timers/promises';
import { NOTIFIED, type SendInput, STREAMED, STREAMED_SID, sendInputs } from '../data.ts';
import { startGateway } from '../gateway.ts';
import type { Target } from '../live-clients.ts';
import { LOAD_CORE, pinBackends, watch } from '../machine.ts';
import { type Measured, mayGoOn, median, TOLERATED } from '../measure.ts';
import { startPeer } from '../peers.ts';
import { Readers } from '../readers.ts';
import type { Server } from '../server.ts';
import type { Bench, Row, Work } from '../work.ts';
import { milliseconds } from './graph.ts';
import { eventsOf, sendText } from './live-events.ts';

const READERS = [100, 1000];
/** Events of each side in a window. */
const EVENTS = 5;
/** Before each, so that it finds everybody at rest. */
const PAUSE_MS = 20;
/** Bursts before the windows, so that every server has compiled what it runs often. */
const WARM_UP = { bursts: 50, texts: 20 };

/** Who reads, and who sends. */
interface Side {
  readonly name: string;
  readonly readers: Readers;
  /** The server that `readers` are connected to. */
  readonly server: Server;
  readonly send: (number: number) => Promise<void>;
}

interface Window {
  /** From each request to the last reader that has its event, in ms. */
  readonly delays: readonly number[];
  readonly isDisturbed: boolean;
}

/**
 * One event at a time, from the request that makes it until all its readers have it: over graphql-ws and server-sent events, from the same instance and
 * from another, beside a process that stores the same rows, notifies, and sends what it hears by ws. The sides take turns, event by event.
 */
export const event: Work = async (bench) => {
  const { data, smoke } = bench;
  const gateway = await startGateway(data.url);
  const other = await startGateway(data.url, { core: LOAD_CORE });
  const bare = await startPeer('listen-notify', data.url, NOTIFIED);
  const from = (server: Server, inputs: readonly SendInput[], account?: string) => (number: number) =>
    sendText(server, inputs[number % inputs.length] as SendInput, account);
  const [inputs, streamed, notified] = await Promise.all([undefined, STREAMED, NOTIFIED].map((sid) => sendInputs(data.url, sid)));
  const outcome: { rows: Row[]; measured: Measured[] } = { rows: [], measured: [] };
  for (const count of smoke ? [3] : READERS) {
    const [byWs, bySse, ofBare] = [
      await connected(eventsOf(gateway, 'graphql-ws'), count),
      await connected(eventsOf(gateway, 'sse', STREAMED_SID), count),
      await connected({ url: bare.url, transport: 'ws' }, count),
    ];
    const sides: Side[] = [
      { name: 'graphql-ws', readers: byWs, server: gateway, send: from(gateway, inputs ?? []) },
      { name: 'SSE', readers: bySse, server: gateway, send: from(gateway, streamed ?? [], STREAMED_SID) },
      { name: 'another instance', readers: byWs, server: gateway, send: from(other, inputs ?? []) },
      { name: 'bare', readers: ofBare, server: bare, send: from(bare, notified ?? []) },
    ];
    await warmUp(sides, smoke);
    const windows = await takeTurns(bench, sides);
    for (const readers of [byWs, bySse, ofBare]) readers.end();
    const measured = sides.map(({ name }, index) => summary(`${name}, ${count}`, windows[index] ?? []));
    outcome.rows.push(...rowsOf(count, measured));
    outcome.measured.push(...measured);
  }
  return outcome;
};

async function connected(target: Target, count: number): Promise<Readers> {
  const readers = new Readers();
  await readers.tell({ do: 'connect', count, ...target });
  return readers;
}

async function warmUp(sides: readonly Side[], smoke: boolean): Promise<void> {
  for (let burst = 0; burst < (smoke ? 1 : WARM_UP.bursts); burst += 1) {
    for (const { readers, send } of sides) {
      await readers.measure(WARM_UP.texts, async () => {
        await Promise.all(Array.from({ length: WARM_UP.texts }, (_, number) => send(number)));
      });
    }
  }
}

/** Measures windows of all sides, until there are enough that nothing disturbed. */
async function takeTurns({ pace, smoke }: Bench, sides: readonly Side[]): Promise<Window[][]> {
  const good: Window[][] = sides.map(() => []);
  const bad: Window[][] = sides.map(() => []);
  const pids = new Set(sides.flatMap(({ server, readers }) => [server.pid, readers.pid]));
  for (let round = 0; (good[0]?.length ?? 0) < pace.rounds && mayGoOn(round, pace); round += 1) {
    pinBackends(pace.database);
    const delays: number[][] = sides.map(() => []);
    const watched = watch([...pids], pace.database);
    for (let number = 0; number < (smoke ? 1 : EVENTS); number += 1) {
      for (const [index, { readers, send }] of sides.entries()) {
        await delay(PAUSE_MS);
        const measured = await readers.measure(1, () => send(round * EVENTS + number));
        delays[index]?.push(Math.max(...measured.delays));
      }
    }
    const { others, stolen } = watched();
    const isDisturbed = others + stolen > TOLERATED;
    for (const [index, own] of delays.entries()) (isDisturbed ? bad : good)[index]?.push({ delays: own, isDisturbed });
  }
  return good.map((windows, index) => [...windows, ...(bad[index] ?? [])].slice(0, pace.rounds));
}

function summary(name: string, windows: readonly Window[]): Measured {
  const sorted = windows.flatMap(({ delays }) => delays).sort((a, b) => a - b);
  const unknown = { perSecond: Number.NaN, microseconds: Number.NaN, postgres: Number.NaN, busy: Number.NaN };
  const disturbed = windows.filter(({ isDisturbed }) => isDisturbed).length;
  const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN;
  return { name, ...unknown, median: median(sorted), p99, windows: windows.length, thrownAway: 0, disturbed };
}

function rowsOf(count: number, [ws, sse, elsewhere, bare]: readonly Measured[]): Row[] {
  if (!ws || !sse || !elsewhere || !bare) return [];
  const work = `one event to ${count} readers`;
  const beside = 'ws broadcast by LISTEN and NOTIFY';
  return [
    row(`${work}, graphql-ws`, ws, beside, bare, 1.5),
    row(`${work}, SSE`, sse, beside, bare, 1.5),
    row(`${work}, from another instance`, elsewhere, 'from the same', ws, 2),
  ];
}

const row = (work: string, ours: Measured, beside: string, theirs: Measured, atMost: number): Row => ({
  ...{ work, beside, gateway: milliseconds(ours.median), peer: milliseconds(theirs.median), is: ours.median / theirs.median },
  mark: { atMost },
});
