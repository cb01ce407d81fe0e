import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { connected, dropDatabase, inServer, makeDatabase } from '../database.ts';
import { migrated, startEmbedded, startGateway } from '../gateway.ts';
import { drive } from '../load.ts';
import { ALL_CORES, processorTime, SERVER_CORE, watch } from '../machine.ts';
import { TOLERATED } from '../measure.ts';
import { startPeer } from '../peers.ts';
import type { Server } from '../server.ts';
import type { Bench } from '../work.ts';
import { type Conversation, type Seed, seedConversations } from './conversations.ts';
import { type Platforms, platformSettings, startPlatforms } from './platforms.ts';

/** Where messages go: SMS into Teams, and Teams texts to the carrier, whose two status reports are part of it. */
export type Direction = 'to Teams' | 'to the carrier';

/** One run of messages through a server. */
export interface Run {
  readonly perSecond: number;
  /** Of the server's process for a message, in ms. */
  readonly processor: number;
  readonly postgres: number;
  /** From a request's beginning to the platform, in ms. */
  readonly p50: number;
  readonly p99: number;
  readonly isDisturbed: boolean;
}

/** Servers that move messages, and what they have of their own. */
export interface Side {
  /** More than one share a database, and the load. */
  readonly servers: readonly [Server, ...Server[]];
  /** The name of PostgreSQL's database; '' for an embedded one. */
  readonly database: string;
  readonly url: string;
  readonly platforms: Platforms;
  readonly conversations: readonly Conversation[];
  /** The number of the next text. */
  next: number;
  close(): Promise<void>;
}

export const CONNECTIONS = 32;
const PATIENCE_MS = 120_000;

/** Starts servers on a database of their own, with platforms of their own. @param instances of the gateway */
export async function openSide(bench: Bench, name: 'gateway' | 'bare-exchange', seed: Seed, instances = 1): Promise<Side> {
  const database = `gateway_bench_${name.replace('-', '_')}_${instances}_${process.pid}`;
  await makeDatabase(bench.server, database);
  const url = inServer(bench.server, database);
  await migrated(url);
  const platforms = await startPlatforms();
  const conversations = await connected(url, (client) => seedConversations(client, platforms, seed));
  const env = platformSettings(platforms);
  const core = bench.smoke || instances > 1 ? ALL_CORES : SERVER_CORE;
  const start = () =>
    name === 'gateway' ? startGateway(url, { core, env }) : startPeer(name, url, '', [], { env: { PLATFORMS_URL: platforms.url } });
  const servers = [await start()] as [Server, ...Server[]];
  while (servers.length < instances) servers.push(await start());
  const close = async () => {
    for (const server of servers) await server.stop();
    platforms.close();
    await dropDatabase(bench.server, database);
  };
  return { servers, database, url, platforms, conversations, next: 1, close };
}

/** Starts the gateway on an embedded database, with platforms of its own. */
export async function openEmbeddedSide(bench: Bench, seed: Seed): Promise<Side> {
  const directory = await mkdtemp(join(tmpdir(), 'gateway-bench-data-'));
  const platforms = await startPlatforms();
  const core = bench.smoke ? ALL_CORES : SERVER_CORE;
  const start = () => startEmbedded(directory, { core, env: platformSettings(platforms) });
  await (await start()).stop();
  const embedded = await openEmbedded(directory);
  const conversations = await seedConversations(embedded.pool, platforms, seed).finally(() => embedded.close());
  const server = await start();
  const close = async () => {
    await server.stop();
    platforms.close();
    await rm(directory, { recursive: true });
  };
  return { servers: [server], database: '', url: '', platforms, conversations, next: 1, close };
}

/** Sends `count` messages through a side's servers. @param pace by default as fast as the connections allow */
export async function move(
  side: Side,
  direction: Direction,
  count: number,
  pace: { everyMs?: number; connections?: number } = {},
): Promise<Run> {
  const { servers, platforms, conversations, database } = side;
  const first = side.next;
  side.next += count;
  const isToTeams = direction === 'to Teams';
  const sentAt = new Map<number, number>();
  const requests = Array.from({ length: count }, (_, index) => {
    const conversation = conversations[(first + index) % conversations.length] as Conversation;
    return isToTeams ? conversation.sms(first + index) : conversation.text(first + index);
  });
  platforms.arrivals.clear();
  const reportsBefore = platforms.reported();
  const pids = servers.map(({ pid }) => pid);
  const processor = () => pids.reduce((sum, pid) => sum + processorTime(pid), 0);
  const watched = watch(pids, database);
  const cpu = processor();
  const began = performance.now();
  let asked = 0;
  const request = () => {
    asked += 1;
    sentAt.set(first + asked - 1, performance.now());
    return requests[asked - 1] ?? Buffer.alloc(0);
  };
  const { connections = CONNECTIONS, everyMs } = pace;
  const share = { connections: connections / servers.length, count: count / servers.length };
  await Promise.all(servers.map(({ port }) => drive({ port, request, ...share, seconds: 600, everyMs })));
  const isDone = () => platforms.arrivals.size >= sentAt.size && (isToTeams || platforms.reported() - reportsBefore >= 2 * sentAt.size);
  while (!isDone()) {
    if (performance.now() - began > PATIENCE_MS)
      throw new Error(
        `Of ${sentAt.size} messages ${direction}, ${platforms.arrivals.size} arrived, ${platforms.reported() - reportsBefore} reports were taken: ${platforms.failures[0]}\n${servers[0].output().slice(-2000)}`,
      );
    await delay(2);
  }
  const seconds = (performance.now() - began) / 1000;
  const used = processor() - cpu;
  const { postgres, others, stolen } = watched();
  const delays = [...sentAt].map(([number, at]) => (platforms.arrivals.get(number) ?? Number.NaN) - at).sort((a, b) => a - b);
  return {
    perSecond: sentAt.size / seconds,
    processor: (used * 1000) / sentAt.size,
    postgres: (postgres * seconds * 1000) / sentAt.size,
    p50: delays[Math.floor(delays.length * 0.5)] ?? Number.NaN,
    p99: delays[Math.floor(delays.length * 0.99)] ?? Number.NaN,
    isDisturbed: others + stolen > TOLERATED,
  };
}
