import { StreamResponse } from './stream-response.ts';
import { TextHeaders } from './text-headers.ts';

/** A response of any face. */
export type AnyResponse = Response | TextResponse | StreamResponse;

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

/** The equivalent Response. */
export function responseOf(response: AnyResponse): Response {
  if (response instanceof TextResponse) return new Response(response.content, { status: response.status, headers: response.headers.all });
  return response instanceof StreamResponse ? response.toResponse() : response;
}
