import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Stands between the gateway and a server, and does what networks and servers that fail do. */
export interface FaultProxy {
  /** The server's address by way of the proxy. */
  readonly url: string;
  /** How many connections there are. */
  readonly connections: number;
  /** Every connection that there is breaks (RST). New ones are taken. */
  cut(): void;
  /** Every connection ends (FIN), and new ones are refused, until it heals: the server is down. */
  refuse(): void;
  /** Connections stay and are taken, and nothing comes through, until it heals: what was sent meanwhile then does. */
  hang(): void;
  /** What the server sends is kept back until it heals, and then comes at once. */
  holdAnswers(): void;
  /** Each piece that either side sends is held for so long, in ms, until it heals. */
  slow(ms: number): void;
  /** So many bytes a second come through each connection in either direction, until it heals. */
  throttle(bytesPerSecond: number): void;
  /** The next piece of a client's that holds this text gets through, and its connection breaks (RST) before the answer. */
  loseAnswerTo(text: string): void;
  /** Every connection breaks (RST), and new ones reach another server: as when an address moves. */
  moveTo(target: string): void;
  /** All is well again. */
  heal(): Promise<void>;
  close(): Promise<void>;
}

/** @param target the server's address, e.g. postgresql://user@host:port/database or redis://host:port */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  let reached = new URL(target);
  const pairs = new Set<readonly [Socket, Socket]>();
  let held: { readonly answersOnly: boolean; readonly until: Promise<void> } | undefined;
  let release = () => {};
  let delayMs = 0;
  let bytesPerSecond = Number.POSITIVE_INFINITY;
  let unanswered: string | undefined;

  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ host: reached.hostname, port: Number(reached.port), noDelay: true });
    const pair = [client, upstream] as const;
    pairs.add(pair);
    pass(client, upstream, false);
    pass(upstream, client, true);
    for (const socket of pair) socket.once('close', () => pairs.delete(pair));
  });

  /** Hands on what one side sends, in order, and that it is gone. */
  function pass(from: Socket, to: Socket, isAnswer: boolean): void {
    let last: Promise<unknown> = Promise.resolve();
    const passing = async () => {
      if (held && (isAnswer || !held.answersOnly)) await held.until;
    };
    from.on('data', (bytes) => {
      last = last.then(async () => {
        await passing();
        const ms = delayMs + (bytes.length / bytesPerSecond) * 1000;
        if (ms >= 1) await delay(ms);
        if (!to.writable) return;
        to.write(bytes);
        if (unanswered === undefined || !bytes.includes(unanswered)) return;
        unanswered = undefined;
        from.resetAndDestroy();
      });
    });
    // Its closing follows.
    from.on('error', () => {});
    from.once('close', () => {
      last = last.then(async () => {
        await passing();
        to.end();
      });
    });
  }

  const listen = async (at: number) => {
    server.listen(at, '127.0.0.1');
    await once(server, 'listening');
  };
  await listen(0);
  const own = (server.address() as AddressInfo).port;
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String(own);
  const each = (end: (socket: Socket) => void) => {
    for (const pair of pairs) for (const socket of pair) end(socket);
  };
  const hold = (answersOnly: boolean) => {
    const until = new Promise<void>((resolve) => {
      release = resolve;
    });
    held = { answersOnly, until };
  };
  const heal = async () => {
    delayMs = 0;
    bytesPerSecond = Number.POSITIVE_INFINITY;
    release();
    held = undefined;
    if (!server.listening) await listen(own);
  };

  return {
    url: url.href,
    get connections() {
      return pairs.size;
    },
    cut: () => each((socket) => socket.resetAndDestroy()),
    refuse: () => {
      server.close();
      each((socket) => socket.destroy());
    },
    hang: () => hold(false),
    holdAnswers: () => hold(true),
    slow: (ms) => {
      delayMs = ms;
    },
    throttle: (bytes) => {
      bytesPerSecond = bytes;
    },
    loseAnswerTo: (text) => {
      unanswered = text;
    },
    moveTo: (other) => {
      reached = new URL(other);
      each((socket) => socket.resetAndDestroy());
    },
    heal,
    close: async () => {
      release();
      if (server.listening) server.close();
      each((socket) => socket.destroy());
    },
  };
}
