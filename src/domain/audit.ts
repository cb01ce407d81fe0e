import { randomUUID } from 'node:crypto';
import type { Caller } from './caller.ts';
import { newSid } from './sid.ts';
import type { Transaction } from './transaction.ts';

/** What is recorded of each mutation of the graph, and by it of each operation of the contract. */
export const mutationActions = {
  createEnterprise: 'enterprise.create',
  updateEnterprise: 'enterprise.update',
  closeEnterprise: 'enterprise.close',
  createMapping: 'mapping.create',
  updateMapping: 'mapping.update',
  deleteMapping: 'mapping.delete',
  createBot: 'bot.create',
  updateBot: 'bot.update',
  deleteBot: 'bot.delete',
  verifyBot: 'bot.verify',
  sendMessage: 'message.send',
  retryMessage: 'message.retry',
  createAccessToken: 'accessToken.create',
  revokeAccessToken: 'accessToken.revoke',
} as const;

/** Every action that is recorded: `<entity>.<what was done>`. */
export const auditActions = [
  ...Object.values(mutationActions),
  'bot.clientSecret.read',
  'account.create',
  'account.rotateToken',
  'account.suspend',
  'account.activate',
] as const;
export type AuditAction = (typeof auditActions)[number];

export interface AuditEntry {
  readonly action: AuditAction;
  readonly targetSid: string;
}

/** Who did it: a caller, or the operator at the command line, who has no account. */
export type Actor = Pick<Caller, 'organizationSid' | 'requestId' | 'remoteAddress' | 'adminSid' | 'accessTokenSid'> & {
  readonly accountSid?: string;
};

/** The operator, doing something to an organization. Each command has a request id of its own. */
export const operatorOn = (organizationSid: string): Actor => ({ organizationSid, requestId: randomUUID() });

/** One record, as it is stored. */
export function auditRecord(actor: Actor, { action, targetSid }: AuditEntry) {
  const { organizationSid, accountSid, adminSid, accessTokenSid, requestId, remoteAddress } = actor;
  return { sid: newSid('AU'), organizationSid, accountSid, adminSid, accessTokenSid, action, targetSid, requestId, remoteAddress };
}

/** Records what somebody did. Given a transaction, the record stands and falls with it. The database lets nobody change it. */
export async function appendAudit(client: Pick<Transaction, 'auditLog'>, actor: Actor, entries: readonly AuditEntry[]): Promise<void> {
  await client.auditLog.createMany({ data: entries.map((entry) => auditRecord(actor, entry)) });
}
