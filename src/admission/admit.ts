import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Caller } from '../domain/caller.ts';
import { type AnyRequest, NodeRequest } from '../server/node-request.ts';
import type { Peer } from '../server/server.ts';
import { StreamResponse } from '../server/stream-response.ts';
import { type AnyResponse, TextResponse } from '../server/text-response.ts';
import type { Admission } from './admission.ts';
import { type Authentication, type AuthenticationRefusal, CHALLENGE, isRefusal } from './authentication.ts';
import { type ClientInterest, clientOf } from './client-interest.ts';
import { allowOrigin, preflight } from './cors.ts';
import { withDeadline } from './deadline.ts';
import { isUnheard, OUTAGE_LOGGED, outageOf } from './outage.ts';
import type { Rate } from './rate-limit.ts';

/** The error codes of authentication's refusals, by HTTP status. */
const CODES = { 401: 'UNAUTHENTICATED', 403: 'FORBIDDEN', 429: 'TOO_MANY_REQUESTS', 503: 'SERVICE_UNAVAILABLE' } as const;

/** The reason for refusing a request. Each face writes it in its own form. */
export interface Refusal extends Omit<AuthenticationRefusal, 'status' | 'code'> {
  readonly status: AuthenticationRefusal['status'] | 500;
  readonly code:
    | (typeof CODES)[AuthenticationRefusal['status']]
    | NonNullable<AuthenticationRefusal['code']>
    | 'TIMEOUT'
    | 'INTERNAL_SERVER_ERROR';
  /** Whether the caller is known, and exceeds its rate. */
  readonly isRate?: boolean;
}

/** An admitted request's caller, and its client's interest. */
export interface Admitted {
  readonly caller: Caller;
  /** Until the deadline, when the client gets its 503, or the client goes. */
  readonly interest: ClientInterest;
  /** The account's rate. Absent: requests are not counted. */
  readonly rate?: Rate;
}

/** An API of the gateway. It says how to handle a request and how to write a refusal, and nothing about who may call. */
export interface Face {
  /** For the log. */
  readonly name: string;
  /**
   * Handles a request that needs no credentials.
   * @returns `undefined` if the request must be admitted first
   */
  readonly handlePublic?: (request: AnyRequest) => Promise<AnyResponse> | AnyResponse | undefined;
  /** How long a request may take, in ms, if it may take longer than others. */
  readonly timeoutOf?: (request: AnyRequest) => number | undefined;
  readonly refuse: (request: AnyRequest, refusal: Refusal) => TextResponse;
  readonly handle: (request: AnyRequest, admitted: Admitted) => Promise<AnyResponse>;
}

/** Handles a request of a face. Never throws. */
type Admit = (request: AnyRequest, peer: Peer, face: Face) => Promise<AnyResponse>;

export const FAULT = 'Internal server error';
export const RATE_EXCEEDED = 'Rate limit exceeded for this account; try again later';
const CROSS_SITE: Refusal = {
  status: 403,
  code: 'FORBIDDEN',
  message: 'Pages of other sites cannot make changes unless CORS_ORIGINS allows them',
};
const FOREIGN_PASSWORD: Refusal = {
  status: 401,
  code: 'UNAUTHENTICATED',
  message: 'Pages of other sites need an access token (Bearer), and cannot use HTTP Basic',
  challenge: 'Bearer realm="teams-sms-gateway"',
};
const FAULTY: Refusal = { status: 500, code: 'INTERNAL_SERVER_ERROR', message: FAULT };
const NO_HEADERS: Readonly<Record<string, string>> = {};

/** @param ms the deadline that has passed */
export const timedOutAfter = (ms: number) => `The operation took longer than ${ms / 1000} s; its changes may still take effect`;

/** For the log: the client already has its 503. */
export const FAILED_LATE = 'an operation failed after its deadline';

interface AdmitOptions {
  readonly authenticate: Authentication;
  readonly admission: Pick<Admission, 'origins' | 'rateLimit' | 'requestTimeoutMs'>;
  readonly log: Pick<Logger, 'error'>;
}

/** For the headers of a request's response. */
interface HeaderValues {
  requestId?: string;
  rateHeaders: Readonly<Record<string, string>>;
}

/**
 * Admits every request, whatever its face: checks its origin, its credentials and its organization's rate, and starts its deadline. Unexpected errors are
 * logged with the request id and masked. Every response has `x-request-id`, and `RateLimit` headers once its account is known.
 */
export function createAdmit({ authenticate, admission, log }: AdmitOptions): Admit {
  const { origins, rateLimit, requestTimeoutMs } = admission;

  async function handle(request: AnyRequest, peer: Peer, face: Face, values: HeaderValues, interest: ClientInterest): Promise<AnyResponse> {
    try {
      const response = face.handlePublic?.(request);
      if (response) return await response;
      if (origins.isForeignChange(request)) return face.refuse(request, CROSS_SITE);
      if (origins.isForeignPassword(request)) return face.refuse(request, FOREIGN_PASSWORD);
      const caller = await authenticate(request, peer);
      if (isRefusal(caller)) return face.refuse(request, { ...caller, code: caller.code ?? CODES[caller.status] });
      values.requestId = caller.requestId;
      const verdict = await rateLimit?.take(caller.organizationSid, caller.enterpriseSid);
      if (verdict) values.rateHeaders = verdict.headers;
      if (verdict?.retryAfter !== undefined) {
        const { retryAfter } = verdict;
        return face.refuse(request, { status: 429, code: 'TOO_MANY_REQUESTS', message: RATE_EXCEEDED, retryAfter, isRate: true });
      }
      return await face.handle(request, { caller, interest, rate: verdict?.rate });
    } catch (error) {
      values.requestId ??= randomUUID();
      const outage = outageOf(error);
      const isDisconnected = !(request instanceof NodeRequest) && request.signal.aborted;
      if (!isDisconnected && !isUnheard(error)) {
        log.error({ err: error, requestId: values.requestId }, outage ? OUTAGE_LOGGED : `unexpected error in the ${face.name}`);
      }
      return face.refuse(request, outage ? { status: 503, code: 'SERVICE_UNAVAILABLE', ...outage } : FAULTY);
    }
  }

  async function admit(request: AnyRequest, peer: Peer, face: Face): Promise<AnyResponse> {
    const values: HeaderValues = { rateHeaders: NO_HEADERS };
    const timeoutMs = Math.max(requestTimeoutMs, face.timeoutOf?.(request) ?? 0);
    const response = await withDeadline<AnyResponse>(
      timeoutMs,
      clientOf(request),
      (interest) => handle(request, peer, face, values, interest),
      () => face.refuse(request, { status: 503, code: 'TIMEOUT', message: timedOutAfter(timeoutMs) }),
      { failed: (error) => log.error({ err: error, requestId: values.requestId }, FAILED_LATE), discard },
    );
    for (const name in values.rateHeaders) response.headers.set(name, values.rateHeaders[name] as string);
    response.headers.set('x-request-id', values.requestId ?? randomUUID());
    return request.method === 'HEAD' && response instanceof TextResponse ? response.withoutContent() : response;
  }

  return async (request, peer, face) => {
    const response = preflight(request, origins) ?? (await admit(request, peer, face));
    allowOrigin(request, response, origins);
    return response;
  };
}

/** The headers of a refusal: a 401 has a challenge (RFC 9110, 15.5.2). */
export const refusalHeaders = ({ status, challenge = CHALLENGE, retryAfter }: Refusal): Record<string, string> => ({
  ...(status === 401 && { 'www-authenticate': challenge }),
  ...(retryAfter && { 'retry-after': String(retryAfter) }),
});

/** Ends a stream that opened after its deadline: no client reads it. */
function discard(response: AnyResponse): void {
  if (response instanceof StreamResponse) response.body.discard();
  else if (response instanceof Response) void response.body?.cancel();
}
