import type { Mapping } from '../../../prisma/client/client.ts';
import { createKeptRows, type KeptRows } from './kept-rows.ts';

/** What receiving an SMS needs of its number's mapping. */
export type KeptMapping = Pick<
  Mapping,
  'sid' | 'organizationSid' | 'enterpriseSid' | 'accountSid' | 'microsoftAddress' | 'externalAddress'
>;

/** Mappings that SMS arrived for within seconds, by their sids. A changed or deleted mapping is dropped at once, on every instance. */
export type KeptMappings = KeptRows<KeptMapping>;

const LIFETIME_MS = 10_000;
const MAX_ENTRIES = 10_000;

/** Creates an empty cache. @param options.hears the initial value of `hears`: true if no other process changes mappings */
export const createKeptMappings = ({ hears }: { readonly hears: boolean }): KeptMappings =>
  createKeptRows({ maxEntries: MAX_ENTRIES, lifetimeMs: LIFETIME_MS, dependenciesOf: ({ sid }) => [sid], hears });
