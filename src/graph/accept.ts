import { LRUCache } from 'lru-cache';
import Negotiator from 'negotiator';

const GRAPHQL_RESPONSE = 'application/graphql-response+json';
export const EVENT_STREAM = 'text/event-stream';

/** The media type of a result that is no stream. */
export type ResultType = typeof GRAPHQL_RESPONSE | 'application/json';

/** The media types that a request accepts for its response. */
export interface Accepted {
  /** Absent if it accepts neither. */
  readonly result: ResultType | undefined;
  /** Whether it accepts an event stream, by name or by a wildcard: a subscription has no other result. */
  readonly stream: boolean;
  /** Whether it prefers an event stream to a result. It does not by a wildcard for all types: such clients read JSON. */
  readonly prefersStream: boolean;
}

/** `charset` is in the response's own type, so that a range with it matches, too. Those that are equally acceptable are preferred in this order. */
const RESULTS = ['application/json; charset=utf-8', `${GRAPHQL_RESPONSE}; charset=utf-8`];
const STREAMS = [`${EVENT_STREAM}; charset=utf-8`];

/** Clients send few different headers: parsing one takes longer than the rest of the negotiation. */
const cached = new LRUCache<string, Accepted>({ max: 100 });
/** A longer header is ignored, as RFC 9110 permits: parsing it takes time in the square of its length. */
const MAX_LENGTH = 1000;

/** A request without Accept (GraphQL over HTTP, 6.1). */
const DEFAULT: Accepted = { result: GRAPHQL_RESPONSE, stream: false, prefersStream: false };

/**
 * Reads an Accept header (RFC 9110, 12.5.1): the type with the highest weight, and of those with equal weights the one that is named most exactly,
 * then the one that is named first.
 * @param header `null` if the request has none
 */
export function readAccept(header: string | null): Accepted {
  if (header === null || header.length > MAX_LENGTH || header.trim() === '') return DEFAULT;
  const known = cached.get(header);
  if (known) return known;
  const accepted = negotiate(header);
  cached.set(header, accepted);
  return accepted;
}

function negotiate(accept: string): Accepted {
  const negotiator = new Negotiator({ headers: { accept } });
  const isStreamNamed = negotiator.mediaTypes().some((range) => /^text\/(event-stream|\*)$/i.test(range));
  const types = negotiator.mediaTypes(isStreamNamed ? [...RESULTS, ...STREAMS] : RESULTS).map((type) => type.split(';')[0]);
  const result = types.find((type) => type !== EVENT_STREAM) as ResultType | undefined;
  return { result, stream: negotiator.mediaTypes(STREAMS).length > 0, prefersStream: types[0] === EVENT_STREAM };
}
