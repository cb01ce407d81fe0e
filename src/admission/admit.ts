import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { actorOf, type Caller } from '../domain/caller.ts';
import { type AnyRequest, NodeRequest } from '../server/node-request.ts';
import { type AnyResponse, TextResponse } from '../server/text-response.ts';
import type { Admission } from './admission.ts';
import { type Authentication, isRefusal, type Peer, type Refusal } from './authentication.ts';
import { allowOrigin, preflight } from './cors.ts';
import { withDeadline } from './deadline.ts';
import { OUTAGE_LOGGED, outageOf } from './outage.ts';

/** The codes of refusals that authentication gives, by their HTTP status. */
const CODES = { 401: 'UNAUTHENTICATED', 403: 'FORBIDDEN', 429: 'TOO_MANY_REQUESTS', 503: 'SERVICE_UNAVAILABLE' } as const;

/** Why a request is not answered. A face writes it in its own form. */
export interface Refused extends Omit<Refusal, 'status'> {
  readonly status: Refusal['status'] | 500;
  readonly code: (typeof CODES)[Refusal['status']] | 'TIMEOUT' | 'INTERNAL_SERVER_ERROR';
}

/** An admitted request: who asks, and whether the answer is still awaited. */
export interface Admitted {
  readonly caller: Caller;
  /** Has the deadline passed, so that the client already has its 503? */
  readonly isOver: () => boolean;
}

/** One way of talking to the gateway. It says how to write a refusal and how to answer, and nothing about who may ask. */
export interface Face {
  /** What the log calls it. */
  readonly name: string;
  /** Answers a request that needs no credentials. `undefined`: the request must be admitted. */
  readonly open?: (request: AnyRequest) => Promise<AnyResponse> | AnyResponse | undefined;
  readonly refuse: (request: AnyRequest, refused: Refused) => TextResponse;
  readonly answer: (request: AnyRequest, admitted: Admitted) => Promise<AnyResponse>;
}

/** Answers one request of a face. Never throws. */
export type Admit = (request: AnyRequest, peer: Peer, face: Face) => Promise<AnyResponse>;

export const FAULT = 'Something went wrong on our side';
export const RATE_EXCEEDED = 'Too many requests for this account; try again after the time in Retry-After';
const FOREIGN_CHANGE: Refused = { status: 403, code: 'FORBIDDEN', message: 'Pages of other sites cannot change anything here' };
const FAULTY: Refused = { status: 500, code: 'INTERNAL_SERVER_ERROR', message: FAULT };
const NO_HEADERS: Readonly<Record<string, string>> = {};

/** @param ms the deadline that has passed */
export const takesTooLong = (ms: number) => `The operation takes longer than ${ms / 1000} s; a change it makes may still take effect`;

/** For the log: an abandoned operation's own error has nobody else to go to. */
export const FAILED_LATE = 'an operation failed after its deadline';

interface Options {
  readonly authenticate: Authentication;
  readonly admission: Pick<Admission, 'origins' | 'rateLimit' | 'requestTimeoutMs'>;
  readonly log: Pick<Logger, 'error'>;
}

/** What is found out about a request while it is decided on, for its answer's headers. */
interface Findings {
  requestId?: string;
  rateHeaders: Readonly<Record<string, string>>;
}

/**
 * What every request passes, whatever its face: origin, credentials, rate, deadline. Errors that nobody threw on purpose are logged with the
 * request id and masked. Every answer has `x-request-id`, and `RateLimit` headers once its account is known.
 */
export function createAdmit({ authenticate, admission, log }: Options): Admit {
  const { origins, rateLimit, requestTimeoutMs } = admission;

  async function decide(request: AnyRequest, peer: Peer, face: Face, findings: Findings, isOver: () => boolean): Promise<AnyResponse> {
    try {
      const open = face.open?.(request);
      if (open) return await open;
      if (origins.isForeignChange(request)) return face.refuse(request, FOREIGN_CHANGE);
      const caller = await authenticate(request, peer);
      if (isRefusal(caller)) return face.refuse(request, { ...caller, code: CODES[caller.status] });
      findings.requestId = caller.requestId;
      const verdict = await rateLimit?.take(actorOf(caller));
      if (verdict) findings.rateHeaders = verdict.headers;
      if (verdict?.retryAfter !== undefined) {
        return face.refuse(request, { status: 429, code: 'TOO_MANY_REQUESTS', message: RATE_EXCEEDED });
      }
      return await face.answer(request, { caller, isOver });
    } catch (error) {
      findings.requestId ??= randomUUID();
      const outage = outageOf(error);
      const hasLeft = !(request instanceof NodeRequest) && request.signal.aborted;
      if (!hasLeft) {
        log.error({ err: error, requestId: findings.requestId }, outage ? OUTAGE_LOGGED : `unexpected error in the ${face.name}`);
      }
      return face.refuse(request, outage ? { status: 503, code: 'SERVICE_UNAVAILABLE', ...outage } : FAULTY);
    }
  }

  async function admit(request: AnyRequest, peer: Peer, face: Face): Promise<AnyResponse> {
    const findings: Findings = { rateHeaders: NO_HEADERS };
    const response = await withDeadline<AnyResponse>(
      requestTimeoutMs,
      (isOver) => decide(request, peer, face, findings, isOver),
      () => face.refuse(request, { status: 503, code: 'TIMEOUT', message: takesTooLong(requestTimeoutMs) }),
      { failed: (error) => log.error({ err: error, requestId: findings.requestId }, FAILED_LATE), discard },
    );
    for (const name in findings.rateHeaders) response.headers.set(name, findings.rateHeaders[name] as string);
    response.headers.set('x-request-id', findings.requestId ?? randomUUID());
    return request.method === 'HEAD' && response instanceof TextResponse ? response.withoutContent() : response;
  }

  return async (request, peer, face) => {
    const response = preflight(request, origins) ?? (await admit(request, peer, face));
    allowOrigin(request, response, origins);
    return response;
  };
}

/** A stream that begins after its deadline would be open for nobody. */
const discard = (response: AnyResponse) => void (response instanceof Response && response.body?.cancel());
