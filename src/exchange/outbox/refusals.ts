import type { Mapping } from '../../../prisma/client/client.ts';
import { CurableError, DeliveryError } from '../../platforms/delivery-error.ts';
import type { MessageToDeliver } from './claim-lanes.ts';

type Reason = CurableError['reason'];

/** The gateway's own refusals to deliver: final, or the reason why the message waits. docs/exchange.md lists them. */
export const REFUSALS = {
  MAPPING_NOT_FOUND: { meaning: 'final', message: 'The number is not mapped to a Teams user' },
  ENTERPRISE_CLOSED: { meaning: 'final', message: 'The enterprise is CLOSED' },
  ENTERPRISE_INACTIVE: { meaning: 'ENTERPRISE_INACTIVE', message: 'The enterprise is INACTIVE' },
  ACCOUNT_CLOSED: { meaning: 'final', message: "The message's account is closed" },
  ACCOUNT_NOT_ACTIVE: { meaning: 'ACCOUNT_SUSPENDED', message: "The message's account is not active" },
  BOT_NOT_FOUND: { meaning: 'BOT_MISSING', message: 'The enterprise has no bot' },
  MICROSOFT_ADDRESS_INVALID: { meaning: 'USER_UNKNOWN', message: "The mapping's Microsoft address is not a user of the bot's tenant" },
} as const satisfies Readonly<Record<string, { readonly meaning: 'final' | Reason; readonly message: string }>>;

/** Makes the error of one of the gateway's own refusals. */
export function refusal(code: keyof typeof REFUSALS, message: string = REFUSALS[code].message): DeliveryError {
  const { meaning } = REFUSALS[code];
  return meaning === 'final' ? new DeliveryError('refused', code, message) : new CurableError(meaning, code, message);
}

/**
 * Checks that a message may be delivered: its mapping is there, its enterprise and its account are active. A mapping that was moved to another enterprise
 * is another customer's.
 * @returns the mapping to deliver it through
 * @throws DeliveryError
 */
export function requireDeliverable({ enterpriseSid, mapping, enterprise, account }: MessageToDeliver): Mapping {
  if (mapping?.enterpriseSid !== enterpriseSid) throw refusal('MAPPING_NOT_FOUND');
  if (enterprise.status !== 'ACTIVE') throw refusal(`ENTERPRISE_${enterprise.status}`);
  if (account?.status === 'ACTIVE') return mapping;
  throw refusal(account?.status === 'SUSPENDED' ? 'ACCOUNT_NOT_ACTIVE' : 'ACCOUNT_CLOSED');
}
