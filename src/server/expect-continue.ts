import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Asks for a body that the client holds back (`Expect: 100-continue`) once something reads it, so that a refusal comes first. The connection closes after
 * a refusal: the client may or may not send the body then (RFC 9110, 10.1.1).
 */
export function continueOnRead(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('connection', 'close');
  const read = request._read;
  request._read = function readOrAsk(size) {
    request._read = read;
    if (!response.headersSent) {
      response.removeHeader('connection');
      response.writeContinue();
    }
    read.call(request, size);
  };
}

/** Whether the client holds the body back until it is asked for it. */
export const holdsBack = (headers: Pick<Headers, 'get'>): boolean => headers.get('expect')?.toLowerCase() === '100-continue';
