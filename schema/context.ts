import type { Caller } from '../src/domain/caller.ts';
import type { Gateway } from '../src/domain/gateway.ts';
import { createLoaders, type Loaders } from '../src/domain/loaders.ts';
import type { Live } from '../src/live/live.ts';

/** What every resolver is given: the domain's dependencies, who asks, and the loaders of this one request. */
export interface GraphContext {
  readonly gateway: Gateway;
  readonly live: Live;
  readonly caller: Caller;
  readonly loaders: Loaders;
  /** The cursor with which a browser's EventSource reconnects; it goes before the `after` of its first request. */
  readonly resumeFrom?: string;
}

/** The context of one request. */
export function createContext(gateway: Gateway, live: Live, caller: Caller, resumeFrom?: string): GraphContext {
  return { gateway, live, caller, loaders: createLoaders(gateway, caller), resumeFrom };
}
