import { RequestCache } from '@pothos/plugin-scope-auth';
import type { FieldNode } from 'graphql';
import type { Caller } from '../src/domain/caller.ts';
import type { Gateway } from '../src/domain/gateway.ts';
import type { Shown } from '../src/domain/lists/keyset.ts';
import type { Live } from '../src/live/live.ts';
import { createLoaders, type Loaders } from './loaders.ts';

/** What every resolver is given: the domain's dependencies, who asks, and the loaders of this one request. */
export interface GraphContext {
  readonly gateway: Gateway;
  readonly live: Live;
  readonly caller: Caller;
  readonly loaders: Loaders;
  /** The cursor with which a browser's EventSource reconnects; it goes before the `after` of its first request. */
  readonly resumeFrom?: string;
  /** What is read of these lists of the document, where it is answered from packed rows. */
  readonly packed?: ReadonlyMap<FieldNode, Shown['packed']>;
  /** Nothing is run with it any more. */
  end(): void;
}

/** The context of one request. */
export function createContext(gateway: Gateway, live: Live, caller: Caller, resumeFrom?: string): GraphContext {
  return { gateway, live, caller, loaders: createLoaders(gateway, caller), resumeFrom, end };
}

/**
 * Pothos keeps what it found out of permissions in a WeakMap, whose values V8's scavenger takes for alive: without this, all that a request made
 * would move to the old generation.
 */
function end(this: GraphContext): void {
  RequestCache.clearForContext(this);
}
