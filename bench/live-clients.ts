import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket } from 'ws';

// The readers of bench/work/live.ts, in a process of their own: they note when each text arrives and tell the delays when all have arrived.

/** What the bench asks: to connect, or to tell the delays of the next texts once every reader has `texts` of them. */
export type Command =
  | { readonly do: 'connect'; readonly url: string; readonly count: number; readonly authorization?: string; readonly query?: string }
  | { readonly do: 'measure'; readonly texts: number }
  | { readonly do: 'close' };

/** Delays in ms, and the moment at which the last text arrived, in ns. */
export interface Measured {
  readonly delays: readonly number[];
  readonly last: string;
  /** The length of the last text. */
  readonly bytes: number;
}

const sockets: WebSocket[] = [];
let delays: number[] = [];
let expected = 0;
let last = 0n;
let bytes = 0;

const now = () => process.hrtime.bigint();

/** Each text has, somewhere, the moment at which it was sent. */
function arrived(data: unknown): void {
  const text = String(data);
  const sent = /@(\d+)@/.exec(text)?.[1];
  if (!sent) return;
  bytes = text.length;
  last = now();
  delays.push(Number(last - BigInt(sent)) / 1e6);
  tellWhenComplete();
}

function tellWhenComplete(): void {
  if (expected === 0 || delays.length < expected) return;
  process.send?.({ delays, last: String(last), bytes } satisfies Measured);
  delays = [];
  expected = 0;
}

async function connect({ url, authorization, query }: Extract<Command, { do: 'connect' }>): Promise<void> {
  const socket = new WebSocket(url, query ? 'graphql-transport-ws' : undefined);
  sockets.push(socket);
  await once(socket, 'open');
  if (query) {
    socket.send(JSON.stringify({ type: 'connection_init', payload: { Authorization: authorization } }));
    await once(socket, 'message');
    // As graphql-ws's own client numbers them.
    socket.send(JSON.stringify({ id: randomUUID(), type: 'subscribe', payload: { query } }));
    // The bookmark.
    await once(socket, 'message');
  }
  socket.on('message', arrived);
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
    for (const socket of sockets.splice(0)) socket.terminate();
    process.send?.('ready');
  }
});
