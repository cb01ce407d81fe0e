import { authorizationOf, type Credentials } from './credentials.ts';
import { compileOpenApi, type OpenApi } from './openapi.ts';

export interface RestAnswer<Data = unknown> {
  readonly status: number;
  readonly headers: Headers;
  /** The envelope. Empty for HEAD. */
  readonly body: { readonly data?: Data; readonly code?: number; readonly errorCode?: string; readonly message?: string };
}

export interface RestRequest {
  /** Sent as JSON, or as it is where it is text or bytes. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RestClient {
  request<Data = unknown>(method: string, path: string, request?: RestRequest): Promise<RestAnswer<Data>>;
  get<Data = unknown>(path: string): Promise<RestAnswer<Data>>;
  post<Data = unknown>(path: string, body?: unknown, headers?: RestRequest['headers']): Promise<RestAnswer<Data>>;
  put<Data = unknown>(path: string, body?: unknown, headers?: RestRequest['headers']): Promise<RestAnswer<Data>>;
  delete<Data = unknown>(path: string, headers?: RestRequest['headers']): Promise<RestAnswer<Data>>;
}

/**
 * A client of the contract over a gateway's `fetch`. Every answer is held against the OpenAPI document that the gateway itself
 * serves.
 *
 * @param credentials without them the requests are anonymous
 */
export function restClient(fetch: (request: Request) => Promise<Response>, credentials?: Credentials): RestClient {
  let openApi: Promise<OpenApi> | undefined;
  const authorization = credentials && authorizationOf(credentials);

  async function request<Data>(method: string, path: string, { body, headers = {} }: RestRequest = {}): Promise<RestAnswer<Data>> {
    const url = new URL(path, 'http://gateway.test');
    const raw = body === undefined || typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
    const response = await fetch(
      new Request(url, {
        method,
        body: raw as BodyInit | undefined,
        headers: {
          ...(raw === undefined ? {} : { 'content-type': 'application/json' }),
          ...(authorization === undefined ? {} : { authorization }),
          ...headers,
        },
      }),
    );
    const text = await response.text();
    openApi ??= load(fetch);
    (await openApi).expectMatches(method, url, response, text);
    return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) };
  }

  return {
    request,
    get: (path) => request('GET', path),
    post: (path, body, headers) => request('POST', path, { body, headers }),
    put: (path, body, headers) => request('PUT', path, { body, headers }),
    delete: (path, headers) => request('DELETE', path, { headers }),
  };
}

async function load(fetch: (request: Request) => Promise<Response>): Promise<OpenApi> {
  const response = await fetch(new Request('http://gateway.test/msteams/openapi.json'));
  return compile(await response.text());
}

/** Compiling takes a while: once for each of the documents that there are. */
const compiled = new Map<string, OpenApi>();

function compile(text: string): OpenApi {
  const known = compiled.get(text) ?? compileOpenApi(JSON.parse(text));
  compiled.set(text, known);
  return known;
}
