import type { Message } from '../../../prisma/client/client.ts';
import type { Caller } from '../../domain/caller.ts';
import { ConflictError } from '../../domain/errors.ts';
import type { Gateway } from '../../domain/gateway.ts';
import { retryMessage } from '../../domain/messages/retry-messages.ts';
import { isSetAside } from './notices/failure-words.ts';
import type { Sender } from './texts/senders.ts';

/** Whether sending an SMS again can help: it was set aside, or failed for a reason that may have passed. */
export const canRetry = (message: Pick<Message, 'stuck' | 'holdReason' | 'channelStatus' | 'failedForGood'>): boolean =>
  isSetAside(message) || (message.channelStatus === 'FAILED' && !message.failedForGood);

/**
 * Sends a user's own SMS again. The user acts as nobody else: with no permissions, on messages of their own mappings. The audit log has the
 * account that the number belongs to, and `teams:` with the activity as the request.
 * @returns whether it is sent again; false if it has left meanwhile, or sending it again cannot help
 */
export async function retryFromTeams(gateway: Gateway, { mappings }: Sender, messageSid: string, activityId: string): Promise<boolean> {
  const message = await gateway.prisma.message.findUnique({ where: { sid: messageSid } });
  const mapping = mappings.find(({ sid }) => sid === message?.mappingSid);
  if (message?.direction !== 'INBOUND' || !mapping) return false;
  const caller: Caller = {
    organizationSid: mapping.organizationSid,
    enterpriseSid: mapping.enterpriseSid,
    accountSid: mapping.accountSid,
    permissions: new Set(),
    requestId: `teams:${activityId}`,
  };
  try {
    await retryMessage(gateway, caller, { sid: messageSid });
    return true;
  } catch (error) {
    if (error instanceof ConflictError) return false;
    throw error;
  }
}
