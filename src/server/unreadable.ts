import { type IncomingMessage, METHODS, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { TextResponse } from './text-response.ts';

// A request that node cannot parse, or that has no valid target, reaches no face. Its response satisfies the clients of both.

const TYPE = 'application/json; charset=utf-8';

/** By node's error codes. Any other is 400. */
const STATUSES: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** node's error for input that it cannot parse. */
interface ParseError extends NodeJS.ErrnoException {
  /** The last input, and how much of it was parsed. */
  readonly rawPacket?: Buffer;
  readonly bytesParsed?: number;
}

const WHOLE_LINE = /^[\w!#$%&'*+.^`|~-]+ [^\s]+ HTTP\/1\.[01]\r?\n/;
/** A request line may arrive in several packets. The first one that cannot be a known method's ends the connection. */
const BEGINNING = /^[\w!#$%&'*+.^`|~-]+(?: [^\s]*(?: H?T?T?P?\/?1?\.?[01]?\r?)?)?$/;

/** Whether the input is a request whose method node does not know, and so cannot parse (RFC 9110, 15.6.2). Other input may be no HTTP at all. */
function isUnknownMethod({ code, rawPacket, bytesParsed = 0 }: ParseError): boolean {
  if (code !== 'HPE_INVALID_METHOD' || !rawPacket) return false;
  const line = rawPacket.subarray(rawPacket.lastIndexOf('\n', Math.max(0, bytesParsed - 1)) + 1).toString('latin1');
  return WHOLE_LINE.test(line) || BEGINNING.test(line);
}

/** The contract's failure envelope (REST.md, Envelopes), with `errors` as in a GraphQL response. */
function bodyOf(status: number): string {
  const message = STATUS_CODES[status] ?? '';
  const code = message.toUpperCase().replaceAll(' ', '_');
  return JSON.stringify({ errorCode: String(status), message, errors: [{ message, extensions: { code } }] });
}

/** The registered methods that node can parse. The faces refuse those that they do not use with 405. */
const KNOWN_METHODS = new Set(METHODS);

/** Refuses a method that is not known. @returns `undefined` for any other */
export function refuseMethod({ method }: { readonly method: string }): TextResponse | undefined {
  return KNOWN_METHODS.has(method) ? undefined : new TextResponse(bodyOf(501), { status: 501, headers: { 'content-type': TYPE } });
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
  server.on('clientError', (error: ParseError, socket: Duplex & { _httpMessage?: { _headerSent: boolean } }) => {
    if (!socket.writable || error.code === 'ECONNRESET' || socket._httpMessage?._headerSent) return void socket.destroy();
    const status = isUnknownMethod(error) ? 501 : (STATUSES[error.code ?? ''] ?? 400);
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
