import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** A request as both faces read it. */
export type AnyRequest = Request | NodeRequest;

/**
 * What the faces read of a request, straight from node's: a Request and its Headers cost more than the rest of a short answer. Whoever needs a whole
 * Request makes one by `requestOf`.
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

  /** As in the URL of a Request that says the same. */
  get target(): Target {
    this.#target ??= simpleTarget(this.#incoming.url ?? '/') ?? new URL(this.url);
    return this.#target;
  }

  /**
   * The body, read once; `undefined` where it breaks off, or has more than `max` bytes, of which `readAnyway` are read for its sender to be ready to
   * listen.
   */
  bytes(max: number, readAnyway: number): Promise<Buffer | undefined> {
    this.#bytes ??= new Promise((resolve) => {
      if (this.#incoming.destroyed) resolve(undefined);
      const chunks: Buffer[] = [];
      let length = 0;
      this.#incoming.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length <= max) chunks.push(chunk);
        else if (length > readAnyway) {
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

  /** The same as a Request. Its body must have been read, or there is none. */
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

/** What of a URL tells where a request leads to. */
export type Target = Pick<URL, 'pathname' | 'search'>;

/** A path and a query in which a URL changes nothing; undefined for any other. */
function simpleTarget(target: string): Target | undefined {
  const [, pathname, search = ''] = /^(\/[\w/-]*)(\?[\w=&.:+-]+)?$/.exec(target) ?? [];
  return pathname === undefined || pathname.startsWith('//') ? undefined : { pathname, search };
}

export const targetOf = (request: AnyRequest): Target => (request instanceof NodeRequest ? request.target : new URL(request.url));

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

/** A Request that says the same. */
export const requestOf = (request: AnyRequest): Promise<Request> | Request =>
  request instanceof NodeRequest ? request.toRequest() : request;
