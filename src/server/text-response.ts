/** A response of any face. */
export type AnyResponse = Response | TextResponse;

/** A response whose body is one string or none. Creating and reading the stream of a Response costs more than a short response. */
export class TextResponse {
  readonly status: number;
  readonly headers: TextHeaders;
  readonly content: string | null;

  constructor(content: string | null, { status, headers }: { status: number; headers: Readonly<Record<string, string>> }) {
    this.content = content;
    this.status = status;
    this.headers = new TextHeaders(headers);
  }

  /** The response to HEAD. */
  withoutContent(): TextResponse {
    return new TextResponse(null, { status: this.status, headers: this.headers.all });
  }
}

/** The part of Headers that responses need. Names are in lower case; each has one value. */
class TextHeaders {
  readonly all: Record<string, string>;

  constructor(headers: Readonly<Record<string, string>>) {
    this.all = Object.assign({}, headers);
  }

  has(name: string): boolean {
    return this.all[name] !== undefined;
  }

  set(name: string, value: string): void {
    this.all[name] = value;
  }

  /** Sets the headers that are absent. */
  setDefaults(headers: Readonly<Record<string, string>>): void {
    for (const name in headers) this.all[name] ??= headers[name] as string;
  }

  append(name: string, value: string): void {
    const before = this.all[name];
    this.all[name] = before === undefined ? value : `${before}, ${value}`;
  }
}

/** The equivalent Response. */
export const responseOf = (response: AnyResponse): Response =>
  response instanceof TextResponse ? new Response(response.content, { status: response.status, headers: response.headers.all }) : response;
