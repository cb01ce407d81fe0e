import { randomUUID } from 'node:crypto';
import type { Caller } from './caller.ts';
import type { Transaction } from './transaction.ts';
import { newSid } from './values/sid.ts';

/** The action that each mutation of the graph records, even if an operation of the contract runs it. */
export const mutationActions = {
  createEnterprise: 'enterprise.create',
  updateEnterprise: 'enterprise.update',
  closeEnterprise: 'enterprise.close',
  resetAdminPassword: 'enterprise.resetAdminPassword',
  createMapping: 'mapping.create',
  updateMapping: 'mapping.update',
  deleteMapping: 'mapping.delete',
  createBot: 'bot.create',
  updateBot: 'bot.update',
  deleteBot: 'bot.delete',
  verifyBot: 'bot.verify',
  addBotSecret: 'bot.addCredential',
  addBotCertificate: 'bot.addCredential',
  removeBotCredential: 'bot.removeCredential',
  sendMessage: 'message.send',
  retryMessage: 'message.retry',
  retryMessages: 'message.retry',
  createAccessToken: 'accessToken.create',
  revokeAccessToken: 'accessToken.revoke',
  linkMicrosoftUser: 'admin.linkMicrosoftUser',
  unlinkMicrosoftUser: 'admin.unlinkMicrosoftUser',
  createAccount: 'account.create',
  rotateAccountToken: 'account.rotateToken',
  suspendAccount: 'account.suspend',
  activateAccount: 'account.activate',
  updateOrganization: 'organization.update',
  updateTeamsApp: 'teamsApp.update',
  importMappings: 'import.create',
  mappingsFromGroup: 'import.create',
  runMappingImport: 'import.run',
  exportMessages: 'export.create',
  exportMappings: 'export.create',
  exportUsage: 'export.create',
  exportPerson: 'export.create',
  setMessageRetention: 'retention.set',
  erasePerson: 'person.erase',
  createWebhookEndpoint: 'webhook.create',
  updateWebhookEndpoint: 'webhook.update',
  deleteWebhookEndpoint: 'webhook.delete',
  rotateWebhookEndpointSecret: 'webhook.rotateSecret',
  replayWebhookEndpoint: 'webhook.replay',
  testWebhookEndpoint: 'webhook.test',
} as const;

/** Every action that is recorded, as `<entity>.<verb>`. */
export const auditActions = [...new Set(Object.values(mutationActions)), 'bot.clientSecret.read', 'bot.move', 'webhook.disable'] as const;
export type AuditAction = (typeof auditActions)[number];

interface AuditEntry {
  readonly action: AuditAction;
  readonly targetSid: string;
}

/** Who acted: a caller; or the operator at the command line, or the gateway itself, which have no account. */
export type Actor = Pick<Caller, 'organizationSid' | 'requestId' | 'remoteAddress' | 'adminSid' | 'accessTokenSid'> & {
  readonly accountSid?: string;
};

/** The operator as the actor in an organization. Each command has a request id of its own. */
export const operatorOn = (organizationSid: string): Actor => ({ organizationSid, requestId: randomUUID() });

/** Makes the row of an audit record. */
export function auditRecord(actor: Actor, { action, targetSid }: AuditEntry) {
  const { organizationSid, accountSid, adminSid, accessTokenSid, requestId, remoteAddress } = actor;
  return { sid: newSid('AU'), organizationSid, accountSid, adminSid, accessTokenSid, action, targetSid, requestId, remoteAddress };
}

/**
 * Appends records to the audit log, which the database makes append-only.
 * @param client a transaction, if the records must commit with the action
 */
export async function appendAudit(client: Pick<Transaction, 'auditLog'>, actor: Actor, entries: readonly AuditEntry[]): Promise<void> {
  await client.auditLog.createMany({ data: entries.map((entry) => auditRecord(actor, entry)) });
}
