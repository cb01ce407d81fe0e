import { RequestCache } from '@pothos/plugin-scope-auth';
import type { FieldNode } from 'graphql';
import type { Caller } from '../src/domain/caller.ts';
import type { ErrorCode } from '../src/domain/errors.ts';
import type { Gateway } from '../src/domain/gateway.ts';
import type { Selection } from '../src/domain/lists/keyset.ts';
import type { Live } from '../src/live/live.ts';
import { createLoaders, type Loaders } from './loaders.ts';

/** The context of every resolver: the domain's dependencies, the caller, and the loaders of this request. */
export interface GraphContext {
  readonly gateway: Gateway;
  readonly live: Live;
  readonly caller: Caller;
  readonly loaders: Loaders;
  /** The `Last-Event-ID` of a reconnecting EventSource, which takes precedence over `after`: its URL still has the first one. */
  readonly resumeFrom?: string;
  /** The columns to read of each list, if the document is answered from packed rows. */
  readonly packed?: ReadonlyMap<FieldNode, Selection['packed']>;
  /** The code of the first error that the operation answers as data (noted-errors.ts). */
  answeredError?: ErrorCode;
  /** Releases everything that is kept for the context. Call it once no operation runs with it. */
  end(): void;
}

/**
 * Creates the context of one request.
 * @param resumeFrom a cursor of the event log, see GraphContext
 */
export function createContext(gateway: Gateway, live: Live, caller: Caller, resumeFrom?: string): GraphContext {
  return { gateway, live, caller, loaders: createLoaders(gateway, caller), resumeFrom, answeredError: undefined, end };
}

/**
 * Pothos caches permissions in a WeakMap by context. V8's scavenger treats its values as alive, so without this everything a request allocates would
 * be promoted to the old generation.
 */
function end(this: GraphContext): void {
  RequestCache.clearForContext(this);
}
