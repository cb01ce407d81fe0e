import type { Caller } from './caller.ts';
import type { Transaction } from './transaction.ts';

export interface AuditEntry {
  /** `<entity>.<what was done>`, e.g. `bot.clientSecret.read`. */
  readonly action: string;
  readonly targetSid: string;
}

/** Records what a caller did. Given a transaction, the record stands and falls with it. The database lets nobody change it. */
export async function appendAudit(client: Pick<Transaction, 'auditLog'>, caller: Caller, entries: readonly AuditEntry[]): Promise<void> {
  const { organizationSid, accountSid, requestId, remoteAddress } = caller;
  await client.auditLog.createMany({
    data: entries.map((entry) => ({ ...entry, organizationSid, accountSid, requestId, remoteAddress: remoteAddress ?? null })),
  });
}
