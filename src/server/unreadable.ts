import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

// A request that node cannot parse, or that has no valid target, reaches no face. Its response satisfies the clients of both.

const TYPE = 'application/json; charset=utf-8';

/** By node's error codes. Any other is 400. */
const STATUSES: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** The contract's failure envelope (REST.md, Envelopes), with `errors` as in a GraphQL response. */
function bodyOf(status: number): string {
  const message = STATUS_CODES[status] ?? '';
  const code = message.toUpperCase().replaceAll(' ', '_');
  return JSON.stringify({ errorCode: String(status), message, errors: [{ message, extensions: { code } }] });
}

/** Refuses a request without a valid target, and closes its connection. */
export function refuseRequest(response: ServerResponse, status: number): void {
  const body = bodyOf(status);
  response.writeHead(status, { connection: 'close', 'content-type': TYPE, 'content-length': Buffer.byteLength(body) }).end(body);
}

/**
 * Refuses input that is not HTTP, too large or too slow, and closes the connection, unless a response has begun. Like node's default, but with a body.
 */
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
  // An unknown expectation may be ignored (RFC 9110, 10.1.1).
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => server.emit('request', request, response));
}
