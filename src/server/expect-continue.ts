import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Sends 100 Continue to a client that waits for it (`Expect: 100-continue`) once something reads the body, so that refusals are sent before it. The
 * connection closes after a refusal, since the client may or may not send the body then (RFC 9110, 10.1.1).
 * @param mayStay whether the connection may stay open after a response to the body, as far as the server knows by then
 */
export function continueOnRead(request: IncomingMessage, response: ServerResponse, mayStay: () => boolean): void {
  const { shouldKeepAlive } = response;
  // Not by a header: node would then not write one of its own, also where the client wants the connection closed.
  response.shouldKeepAlive = false;
  const read = request._read;
  request._read = function readOrAsk(size) {
    request._read = read;
    if (!response.headersSent) {
      response.shouldKeepAlive = shouldKeepAlive && mayStay();
      response.writeContinue();
    }
    read.call(request, size);
  };
}

/** Whether the client waits for 100 Continue before it sends the body. */
export const holdsBack = (headers: Pick<Headers, 'get'>): boolean => headers.get('expect')?.toLowerCase() === '100-continue';
