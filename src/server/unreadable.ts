import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

// What node can't read as HTTP, or what has no address, belongs to neither face: its answer has the form of both.

const TYPE = 'application/json; charset=utf-8';

/** By node's codes. All others are 400. */
const STATUSES: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** One of the contract's envelopes (REST.md), with the graph's errors in it. */
function bodyOf(status: number): string {
  const message = STATUS_CODES[status] ?? '';
  const code = message.toUpperCase().replaceAll(' ', '_');
  return JSON.stringify({ errorCode: String(status), message, errors: [{ message, extensions: { code } }] });
}

/** Answers a request that has no address, and closes its connection. */
export function refuseRequest(response: ServerResponse, status: number): void {
  const body = bodyOf(status);
  response.writeHead(status, { connection: 'close', 'content-type': TYPE, 'content-length': Buffer.byteLength(body) }).end(body);
}

/** Answers what is no HTTP, too large or too slow, where nothing else was answered yet, and closes its connection: as node does, with a body. */
export function refuseUnreadable(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex & { _httpMessage?: { _headerSent: boolean } }) => {
    if (!socket.writable || error.code === 'ECONNRESET' || socket._httpMessage?._headerSent) return void socket.destroy();
    const status = STATUSES[error.code ?? ''] ?? 400;
    const body = bodyOf(status);
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'Connection: close',
      `Content-Type: ${TYPE}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    socket.once('finish', () => socket.destroy());
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  });
  // An expectation that nobody knows may be passed over (RFC 9110, 10.1.1).
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => server.emit('request', request, response));
}
