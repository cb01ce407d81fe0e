import type { Caller } from '../src/domain/caller.ts';
import type { Gateway } from '../src/domain/gateway.ts';
import { createLoaders, type Loaders } from '../src/domain/loaders.ts';

/** What every resolver is given: the domain's dependencies, who asks, and the loaders of this one request. */
export interface GraphContext {
  readonly gateway: Gateway;
  readonly caller: Caller;
  readonly loaders: Loaders;
}

/** The context of one request. */
export function createContext(gateway: Gateway, caller: Caller): GraphContext {
  return { gateway, caller, loaders: createLoaders(gateway, caller) };
}
