import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { eventsIn, FrameReader, maskedFrame } from './live-frames.ts';

// The readers of bench/work/live.ts, in a process of their own: they note when each text arrives and tell the delays when all have arrived. They read
// the bytes themselves: with a client's library, a reader would take longer than any of the servers to write.

/** How a server is read. */
export interface Target {
  readonly url: string;
  readonly transport: 'graphql-ws' | 'ws' | 'sse';
  readonly authorization?: string;
  readonly query?: string;
}

/** What the bench asks: to connect, or to tell the delays of the next texts once every reader has `texts` of them. */
export type Command =
  | ({ readonly do: 'connect'; readonly count: number } & Target)
  | { readonly do: 'measure'; readonly texts: number }
  | { readonly do: 'close' };

/** Delays in ms, and the moment at which the last text arrived, in ns. */
export interface Measured {
  readonly delays: readonly number[];
  readonly last: string;
  /** The length of the last text. */
  readonly bytes: number;
}

const sockets: Socket[] = [];
let delays: number[] = [];
let expected = 0;
let last = 0n;
let bytes = 0;

/** Each text has, somewhere, the moment at which it was sent. */
function arrived(text: string, now: bigint): void {
  const sent = /@(\d+)@/.exec(text)?.[1];
  if (!sent) return;
  bytes = text.length;
  last = now;
  delays.push(Number(now - BigInt(sent)) / 1e6);
}

function tellWhenComplete(): void {
  if (expected === 0 || delays.length < expected) return;
  process.send?.({ delays, last: String(last), bytes } satisfies Measured);
  delays = [];
  expected = 0;
}

async function connect(target: Target): Promise<void> {
  if (target.transport === 'sse') return connectEvents(target);
  const { socket, frames, first } = await upgrade(target);
  sockets.push(socket);
  frames.onPing = () => socket.write(maskedFrame(0xa, ''));
  if (target.transport === 'graphql-ws') {
    const message = () => new Promise((resolve) => (frames.onText = resolve));
    let answered = message();
    frames.read(first);
    socket.on('data', (chunk: Buffer) => frames.read(chunk));
    socket.write(maskedFrame(1, JSON.stringify({ type: 'connection_init', payload: { Authorization: target.authorization } })));
    await answered;
    answered = message();
    // As graphql-ws's own client numbers them.
    socket.write(maskedFrame(1, JSON.stringify({ id: randomUUID(), type: 'subscribe', payload: { query: target.query } })));
    // The bookmark.
    await answered;
    socket.removeAllListeners('data');
  }
  let now = 0n;
  frames.onText = (text) => arrived(text, now);
  socket.on('data', (chunk: Buffer) => {
    now = process.hrtime.bigint();
    frames.read(chunk);
    tellWhenComplete();
  });
}

async function upgrade({ url, transport }: Target) {
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': Buffer.from(randomUUID().slice(0, 16)).toString('base64'),
    ...(transport === 'graphql-ws' ? { 'sec-websocket-protocol': 'graphql-transport-ws' } : {}),
  };
  const upgrading = request(url, { headers });
  upgrading.end();
  const [, socket, first] = (await once(upgrading, 'upgrade')) as [IncomingMessage, Socket, Buffer];
  return { socket, first, frames: new FrameReader() };
}

async function connectEvents({ url, authorization, query = '' }: Target): Promise<void> {
  const headers = { accept: 'text/event-stream', ...(authorization ? { authorization } : {}) };
  const asking = request(`${url}?${new URLSearchParams({ query })}`, { headers, agent: false });
  asking.end();
  const [response] = (await once(asking, 'response')) as [IncomingMessage];
  sockets.push(response.socket);
  let rest = '';
  const read = (chunk: Buffer) => {
    const now = process.hrtime.bigint();
    const { events, rest: left } = eventsIn(rest + chunk.toString('latin1'));
    rest = left;
    for (const event of events) arrived(event, now);
    tellWhenComplete();
  };
  // The bookmark, or a comment.
  await new Promise<void>((resolve) => {
    response.on('data', (chunk: Buffer) => {
      read(chunk);
      resolve();
    });
  });
}

process.on('message', async (command: Command) => {
  if (command.do === 'connect') {
    for (let open = 0; open < command.count; open += 50) {
      await Promise.all(Array.from({ length: Math.min(50, command.count - open) }, () => connect(command)));
    }
    process.send?.('ready');
  } else if (command.do === 'measure') {
    expected = command.texts * sockets.length;
    process.send?.('ready');
    tellWhenComplete();
  } else {
    for (const socket of sockets.splice(0)) socket.destroy();
    process.send?.('ready');
  }
});
