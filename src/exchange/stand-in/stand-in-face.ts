import type { Face } from '../../admission/admit.ts';
import type { Gateway } from '../../domain/gateway.ts';
import { requestOf } from '../../server/node-request.ts';
import { TextResponse } from '../../server/text-response.ts';
import { type StandInOptions, standIn } from './stand-in.ts';

/** The stand-in's routes as a face: they pass what requests of the graph and the contract pass. Answers are `{ message }`. */
export function createStandInFace(gateway: Gateway, options: StandInOptions): Face {
  return {
    name: 'stand-in',
    refuse: (_request, { status, message, challenge, retryAfter }) =>
      new TextResponse(JSON.stringify({ message }), {
        status,
        headers: {
          'content-type': 'application/json',
          ...(challenge && { 'www-authenticate': challenge }),
          ...(retryAfter && { 'retry-after': String(retryAfter) }),
        },
      }),
    handle: async (request, { caller }) => standIn(gateway, options, caller, await requestOf(request)),
  };
}
