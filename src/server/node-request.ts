import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { withPlainPath } from './request-target.ts';

/** A request, as every face reads it. */
export type AnyRequest = Request | NodeRequest;

/**
 * The part of Request that the faces read, directly from node's request: creating a Request and its Headers costs more than the rest of a short
 * response. `requestOf` creates a full Request if one is needed.
 */
export class NodeRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: NodeHeaders;
  readonly #incoming: IncomingMessage;
  #target: Target | undefined;
  #bytes: Promise<Buffer | undefined> | undefined;

  constructor(incoming: IncomingMessage) {
    this.#incoming = incoming;
    this.method = incoming.method ?? 'GET';
    this.url = `http://${incoming.headers.host ?? 'localhost'}${incoming.url ?? '/'}`;
    this.headers = new NodeHeaders(incoming.headers);
  }

  /** The connection that it came over. */
  get connection(): IncomingMessage['socket'] {
    return this.#incoming.socket;
  }

  /** The path and the query string, as in the URL of the equivalent Request. */
  get target(): Target {
    this.#target ??= splitTarget(this.#incoming.url ?? '/') ?? plainTarget(this.url);
    return this.#target;
  }

  /**
   * Reads the body, once: later calls return the same promise.
   * @param max the largest body to keep, in bytes
   * @param drainMax how much of a larger body to read and discard, in bytes: a client that is still sending does not read the response
   * @returns `undefined` if the body is larger than `max`, or the connection is lost
   */
  bytes(max: number, drainMax: number): Promise<Buffer | undefined> {
    this.#bytes ??= new Promise((resolve) => {
      if (this.#incoming.destroyed) resolve(undefined);
      const chunks: Buffer[] = [];
      let length = 0;
      this.#incoming.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length <= max) chunks.push(chunk);
        else if (length > drainMax) {
          this.#incoming.pause();
          resolve(undefined);
        }
      });
      this.#incoming.on('end', () => resolve(length > max ? undefined : chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
      this.#incoming.on('error', () => resolve(undefined));
      this.#incoming.on('close', () => resolve(undefined));
    });
    return this.#bytes;
  }

  /** Creates the equivalent Request. It has a body only if `bytes` has read it. */
  async toRequest(): Promise<Request> {
    const headers = new Headers();
    for (const [name, value] of Object.entries(this.#incoming.headers)) {
      for (const one of Array.isArray(value) ? value : [value ?? '']) headers.append(name, one);
    }
    const bytes = await this.#bytes;
    const body = bytes && this.method !== 'GET' && this.method !== 'HEAD' ? new Uint8Array(bytes) : undefined;
    return new Request(this.url, { method: this.method, headers, body });
  }
}

/** The part of a URL that is routed. `search` begins with `?` or is empty. */
type Target = Pick<URL, 'pathname' | 'search'>;

/** Splits a target that the URL parser would not change. Returns `undefined` for any other. */
function splitTarget(target: string): Target | undefined {
  const [, pathname, search = ''] = /^(\/[\w/-]*)(\?[\w=&.:+-]+)?$/.exec(target) ?? [];
  return pathname === undefined || pathname.startsWith('//') ? undefined : { pathname, search };
}

export const targetOf = (request: AnyRequest): Target => (request instanceof NodeRequest ? request.target : plainTarget(request.url));

function plainTarget(url: string): Target {
  const { pathname, search } = new URL(url);
  return { pathname: pathname.includes('%') ? withPlainPath(pathname) : pathname, search };
}

/** The part of Headers that the faces read. Names are in lower case. */
class NodeHeaders {
  readonly #headers: IncomingHttpHeaders;

  constructor(headers: IncomingHttpHeaders) {
    this.#headers = headers;
  }

  get(name: string): string | null {
    return this.#headers[name]?.toString() ?? null;
  }

  has(name: string): boolean {
    return this.#headers[name] !== undefined;
  }
}

/** Returns the equivalent Request. A NodeRequest's body must have been read by `bytes`. */
export const requestOf = (request: AnyRequest): Promise<Request> | Request =>
  request instanceof NodeRequest ? request.toRequest() : request;
