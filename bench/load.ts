import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

// A lean HTTP client: keep-alive connections that each send their next request when the answer is there. It shares a core with PostgreSQL, so it
// parses no more of an answer than where it ends and whether it is one.

/** A request as bytes; the number counts up. */
export type RequestBytes = (number: number) => Buffer;

export interface Load {
  readonly port: number;
  readonly request: RequestBytes;
  readonly connections: number;
  readonly seconds: number;
  /** Ends after this many requests, if that is sooner. */
  readonly count?: number;
  /** How long each connection waits between its requests' beginnings, at least, in ms. */
  readonly everyMs?: number;
  /** Whether being told 429 is an answer, too. */
  readonly mayBeRefused?: boolean;
}

export interface Answered {
  readonly requests: number;
  readonly seconds: number;
  /** Of each request, in ms, in ascending order. */
  readonly latencies: Float64Array;
}

export interface RequestParts {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly authorization?: string;
  /** Sent as JSON; a string is a form. */
  readonly body?: unknown;
}

/** A request's bytes. */
export function bytesOf({ method, path, authorization, body }: RequestParts): Buffer {
  const isForm = typeof body === 'string';
  const text = isForm ? body : body === undefined ? '' : JSON.stringify(body);
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    'accept: application/json',
    ...(authorization ? [`authorization: ${authorization}`] : []),
    ...(body === undefined
      ? []
      : [`content-type: application/${isForm ? 'x-www-form-urlencoded' : 'json'}`, `content-length: ${Buffer.byteLength(text)}`]),
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${text}`);
}

/** Puts a server under load. What is under way at the end is waited for and counts. @throws Error for an answer that is none */
export async function drive({
  port,
  request,
  connections,
  seconds,
  count = Number.POSITIVE_INFINITY,
  everyMs = 0,
  mayBeRefused = false,
}: Load): Promise<Answered> {
  const latencies: number[] = [];
  const began = performance.now();
  const end = began + seconds * 1000;
  let sent = 0;
  /** Those sent, and those that wait for their turn. */
  let planned = 0;
  const sockets = await Promise.all(Array.from({ length: Math.min(connections, count) }, () => open(port)));
  await Promise.all(
    sockets.map(
      (socket, index) =>
        new Promise<void>((resolve, reject) => {
          let since = 0;
          const send = () => {
            since = performance.now();
            sent += 1;
            socket.write(request(sent));
          };
          const reader = createReader((answer) => {
            const now = performance.now();
            latencies.push(now - since);
            if (answer && !(mayBeRefused && REFUSAL.test(answer))) reject(new Error(`Not an answer to measure:\n${answer}`));
            else if (now >= end || planned >= count) resolve();
            else {
              planned += 1;
              if (everyMs > 0) setTimeout(send, since + everyMs - now);
              else send();
            }
          });
          socket.on('data', reader);
          socket.on('error', reject);
          socket.on('close', () => reject(new Error('The server closed a connection')));
          planned += 1;
          // Connections that wait between their requests take turns.
          if (everyMs > 0) setTimeout(send, (index * everyMs) / sockets.length);
          else send();
        }),
    ),
  ).finally(() => {
    for (const socket of sockets) socket.removeAllListeners('close').destroy();
  });
  return { requests: latencies.length, seconds: (performance.now() - began) / 1000, latencies: Float64Array.from(latencies).sort() };
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return socket;
}

/** A refusal by a limit of the caller, or because its time is up. */
const REFUSAL = /^HTTP\/1\.1 (?:429|503)/;
const HEADERS_END = Buffer.from('\r\n\r\n');
const CHUNKS_END = Buffer.from('0\r\n\r\n');
const OK = Buffer.from('HTTP/1.1 200');

/**
 * Calls back at each answer's end, with the answer where it is not a 200 that has no `errors`. Of a long answer that tells its length only the first
 * and the last piece are looked at.
 */
function createReader(ended: (complaint?: string) => void): (data: Buffer) => void {
  let held: Buffer | undefined;
  /** What is still to come of an answer that tells its length. */
  let left = 0;
  return (data) => {
    const all = held && left === 0 ? Buffer.concat([held, data]) : data;
    if (left > 0) {
      left -= data.length;
      if (left > 0) return;
      const first = held as Buffer;
      held = undefined;
      end(first, data);
      return;
    }
    held = all;
    const headers = all.indexOf(HEADERS_END);
    if (headers < 0) return;
    const length = /content-length: *(\d+)/i.exec(all.toString('latin1', 0, headers))?.[1];
    if (length === undefined) {
      if (!all.subarray(-5).equals(CHUNKS_END)) return;
    } else {
      left = Math.max(0, headers + 4 + Number(length) - all.length);
      if (left > 0) return;
    }
    held = undefined;
    end(all, all);
  };

  function end(first: Buffer, last: Buffer): void {
    const wrong = !first.subarray(0, 12).equals(OK) || [first, last].some((piece) => piece.indexOf('"errors":') >= 0);
    ended(wrong ? first.toString() : undefined);
  }
}
