import { statusRank } from '../../domain/messages/message-status.ts';
import { encodingOf } from '../../domain/messages/sms-encoding.ts';
import { comparedForm } from '../../domain/values/phone-numbers.ts';
import { accountSid } from '../../domain/values/sid.ts';
import { domainOf, fold } from '../../domain/values/text.ts';
import type { MessageWithHistory } from './messages.ts';

// What the examples of the REST API's documentation ask for, change and delete, so that they work against the demo as they are.

const MAC = 'EN7d19fdad67914d91965b231cf706c065';
const enterprises: readonly [sid: string, name: string, email: string][] = [
  ['ENe74ac0a9d33f4d9ea8f4e039f7b5af03', 'Kohl & Sons', 'Tes@telestax.example'],
  ['EN15fc8edcb9784ec18e91e32bfa0fb1e1', 'Test110', 'Test110@test.example'],
  ['EN8d661fa8ba7d4acd8ff7cf3039ef9552', 'BotApp', 'Bot@bot.example'],
  [MAC, 'mac', 'mac@telestax.example'],
  ['EN97154a1c491a44f3afe05880bcc1f147', 'Without a bot', 'bot@telestax.example'],
  ['EN6a1a3e424623478ab6afb5db1cbd9964', 'Sixth', 'sixth@telestax.example'],
  ['EN9dbb06d89ff24f3eacd7ee0cf141c3e2', 'Entfinal', 'Entfinal@telestax.example'],
];
const mappings: readonly [sid: string, name: string, externalAddress: string][] = [
  ['BEa0e3d44bd03947eaa3fbb783a3bc31dd', 'sunny', '998713777011'],
  ['BEfbacbc4979564f32802cc9f284600b84', 'map111', '9091909192'],
  ['BE7c6b0bd04a92495096102b326336bb32', 'map1', '989898909090'],
];
const bots: readonly [sid: string, enterpriseSid: string][] = [
  ['BE0aa557177fe64a1ab5fc84e328d6066a', 'EN6a1a3e424623478ab6afb5db1cbd9964'],
  ['BE733c4343e45e47a88297e4c5627df506', 'EN9dbb06d89ff24f3eacd7ee0cf141c3e2'],
];
const [DELIVERED, UNDELIVERED] = ['MS51c630e28e2744bb83677048e1b1c7ae', 'MS0b7c5a34e0e44b0f9d3c8a5f61e2d704'];

/**
 * Makes the documentation's records.
 * @param at when they were created
 */
export function documented(owner: { readonly organizationSid: string; readonly accountSid: string }, at: Date) {
  const record = { ...owner, dateCreated: at, dateUpdated: at };
  const microsoftAddress = 'sunnydodhiya@solutionstelestax.example';
  const user = { microsoftAddress, microsoftAddressFolded: fold(microsoftAddress), microsoftDomain: domainOf(microsoftAddress) };
  const details = { applicationId: '12345', tenantId: 'tenant', clientSecret: 'demo~-h476O9J-hlo0X1~', botAppId: '23423424' };
  return {
    enterprises: enterprises.map(([sid, name]) => ({ ...record, sid, name, nameFolded: fold(name), status: 'ACTIVE' as const })),
    admins: enterprises.map(([enterpriseSid, name, email]) => ({
      ...{ ...record, sid: `RCS${enterpriseSid.slice(2)}`, enterpriseSid, accountSid: accountSid(email) },
      ...{ email, emailFolded: fold(email), name: `${name} admin`, status: 'ACTIVE' as const },
    })),
    mappings: mappings.map(([sid, name, externalAddress]) => ({
      ...{ ...record, ...user, sid, enterpriseSid: MAC, name, nameFolded: fold(name) },
      ...{ externalAddress, externalDigits: comparedForm(externalAddress) },
    })),
    bots: bots.map(([sid, enterpriseSid]) => ({ ...record, ...details, sid, enterpriseSid })),
    histories: [
      messageOf(owner, microsoftAddress, at, { sid: DELIVERED, status: 'DELIVERED', errorCode: null, errorMessage: null }),
      messageOf(owner, microsoftAddress, at, {
        ...{ sid: UNDELIVERED, status: 'UNDELIVERED', errorCode: '30003', errorMessage: 'Unreachable destination handset' },
      }),
    ],
  };
}

interface DocumentedMessage {
  readonly sid: string;
  readonly status: 'DELIVERED' | 'UNDELIVERED';
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
}

function messageOf(
  owner: { readonly organizationSid: string; readonly accountSid: string },
  from: string,
  at: Date,
  { sid, status: outcome, errorCode, errorMessage }: DocumentedMessage,
): MessageWithHistory {
  const [to, body] = ['56566565', 'Hello'];
  const steps = ['QUEUED', 'SENDING', 'SENT', outcome] as const;
  return {
    message: {
      ...{ ...owner, sid, enterpriseSid: MAC, mappingSid: null, direction: 'INBOUND', type: 'SMS' },
      ...{ from, fromFolded: comparedForm(from), to, toFolded: comparedForm(to), body, mediaUrls: [] },
      ...encodingOf(body),
      ...{ channelStatus: outcome, statusRank: statusRank(outcome), channelErrorCode: errorCode, channelErrorMessage: errorMessage },
      ...{ restcommMessageSid: null, dateCreated: at, dateUpdated: at },
    },
    events: steps.map((status, index) => ({
      ...{ organizationSid: owner.organizationSid, messageSid: sid, status, previousStatus: steps[index - 1] ?? null },
      ...{ occurredAt: at, ...(status === outcome ? { errorCode, errorMessage } : { errorCode: null, errorMessage: null }) },
    })),
  };
}
