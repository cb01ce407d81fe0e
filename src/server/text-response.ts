/** An answer of either face. */
export type AnyResponse = Response | TextResponse;

/** An answer that is one text or nothing, without a Response's stream: making one and reading it again costs more than a short answer. */
export class TextResponse {
  readonly status: number;
  readonly headers: TextHeaders;
  readonly content: string | null;

  constructor(content: string | null, { status, headers }: { status: number; headers: Readonly<Record<string, string>> }) {
    this.content = content;
    this.status = status;
    this.headers = new TextHeaders(headers);
  }

  /** As HEAD is answered. */
  withoutContent(): TextResponse {
    return new TextResponse(null, { status: this.status, headers: this.headers.all });
  }
}

/** Headers by lower-case names, each with one value. */
export class TextHeaders {
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

  /** Sets each that is not set. */
  complete(headers: Readonly<Record<string, string>>): void {
    for (const name in headers) this.all[name] ??= headers[name] as string;
  }

  append(name: string, value: string): void {
    const before = this.all[name];
    this.all[name] = before === undefined ? value : `${before}, ${value}`;
  }
}

/** The same as a Response. */
export const responseOf = (answer: AnyResponse): Response =>
  answer instanceof TextResponse ? new Response(answer.content, { status: answer.status, headers: answer.headers.all }) : answer;
