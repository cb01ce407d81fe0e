import type { Logger } from 'pino';
import type { ObserveOperation } from './operations.ts';

// Apart from operations.ts, which needs graphql: a start loads that while the database opens, and this before.

/** Creates the access log: a line for each operation, at level `debug`. */
export function createAccessLog(log: Pick<Logger, 'debug' | 'isLevelEnabled'>): ObserveOperation {
  if (!log.isLevelEnabled('debug')) return () => {};
  return ({ caller, durationMs, label: _, ...report }) => {
    const { accountSid, adminSid, accessTokenSid, requestId, remoteAddress } = caller;
    const ms = Math.round(durationMs * 10) / 10;
    log.debug({ ...report, ms, accountSid, adminSid, accessTokenSid, requestId, remoteAddress }, 'operation');
  };
}
