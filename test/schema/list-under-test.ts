import type { PrismaClient } from '../../prisma/client/client.ts';
import { listAccessTokens } from '../../src/domain/access/access-tokens.ts';
import { listAuditLog } from '../../src/domain/access/audit-log.ts';
import { listOwnAccounts } from '../../src/domain/access/organization-accounts.ts';
import { listBots } from '../../src/domain/bots/bots.ts';
import type { Caller } from '../../src/domain/caller.ts';
import { listEnterprises } from '../../src/domain/enterprises/enterprises.ts';
import type { PageArguments } from '../../src/domain/lists/keyset.ts';
import type { Page } from '../../src/domain/lists/pages.ts';
import { listMappings } from '../../src/domain/mappings/mappings.ts';
import { listConversations } from '../../src/domain/messages/conversations.ts';
import { listMessages } from '../../src/domain/messages/messages.ts';
import { newSid, type SidPrefix } from '../../src/domain/values/sid.ts';
import { listWebhookEndpoints } from '../../src/domain/webhooks/endpoints.ts';
import type { TestGateway } from '../support/gateway.ts';

export interface Row {
  readonly sid: string;
  /** What it is sorted by, as the database has it. */
  readonly value: string | number;
}

export type Direction = 'ASC' | 'DESC';

/** A list of the domain in one of its orders, with rows that a test puts into it and takes out again. */
export interface ListUnderTest {
  readonly name: string;
  read(caller: Caller, direction: Direction, page: PageArguments): Promise<Page<{ sid: string }>>;
  /** Inserts the number-th row with one of few values, so that many are equal. Numbers order sids. */
  insert(caller: Caller, number: number, value: number): Promise<Row>;
  remove(sids: string[]): Promise<void>;
}

/** Few and odd: equal ones, prefixes of others, beyond ASCII, and two whose order differs by bytes and by UTF-16. */
const texts = ['a', 'a b', 'ab', 'é', '\u{ffee}', '\u{1f600}'];
export const VALUES = texts.length;
const epoch = Date.parse('2026-11-24T12:00:00.000Z');

/** The database refuses to delete younger audit records. */
const LONG_AGO = Date.parse('2020-01-01T00:00:00.000Z');

const textOf = (value: number) => texts[value] as string;
const sidOf = (prefix: SidPrefix, number: number) => prefix + String(number).padStart(32, '0');

/** Every list in every order that it has. */
export function listsUnderTest({ gateway }: TestGateway): ListUnderTest[] {
  const { prisma } = gateway;
  const removing = (delegate: Deletes) => async (sids: string[]) => {
    await delegate.deleteMany({ where: { sid: { in: sids } } });
  };
  return [
    ...(['DATE_CREATED', 'NAME'] as const).map((field) => ({
      name: `enterprises by ${field}`,
      read: (caller: Caller, direction: Direction, page: PageArguments) => listEnterprises(gateway, caller, {}, { field, direction }, page),
      insert: async (caller: Caller, number: number, value: number) => {
        const { sid, dateCreated, nameFolded } = await insertEnterprise(prisma, caller, sidOf('EN', number), value);
        return { sid, value: field === 'NAME' ? nameFolded : dateCreated.getTime() };
      },
      remove: removing(prisma.enterprise),
    })),
    ...(['DATE_CREATED', 'NAME', 'MICROSOFT_ADDRESS', 'EXTERNAL_ADDRESS', 'DOMAIN'] as const).map((field) => ({
      name: `mappings by ${field}`,
      read: (caller: Caller, direction: Direction, page: PageArguments) => listMappings(gateway, caller, {}, { field, direction }, page),
      insert: async (caller: Caller, number: number, value: number) => {
        const text = textOf(value);
        // Numbers are unique in the whole system, so that these alone can't be equal.
        const externalDigits = `${100 + number}${value}`;
        const mapping = await prisma.mapping.create({
          data: {
            ...(await ownedBy(prisma, caller)),
            sid: sidOf('BE', number),
            name: text,
            nameFolded: text,
            microsoftAddress: text,
            microsoftAddressFolded: text,
            microsoftDomain: text,
            externalAddress: value % 2 ? `+${externalDigits}` : externalDigits,
            externalDigits,
            dateCreated: new Date(epoch + value),
          },
        });
        const values = { DATE_CREATED: mapping.dateCreated.getTime(), EXTERNAL_ADDRESS: mapping.externalAddress };
        return { sid: mapping.sid, value: field in values ? values[field as keyof typeof values] : text };
      },
      remove: removing(prisma.mapping),
    })),
    {
      name: 'bots by DATE_CREATED',
      read: (caller, direction, page) => listBots(gateway, caller, {}, { field: 'DATE_CREATED', direction }, page),
      insert: async (caller, number, value) => {
        const enterprise = await insertEnterprise(prisma, caller, newSid('EN'), value);
        const { organizationSid, accountSid } = caller;
        const bot = await prisma.bot.create({
          data: {
            ...{ organizationSid, accountSid, enterpriseSid: enterprise.sid, sid: sidOf('BE', number) },
            ...{ applicationId: 'a', tenantId: 't', clientSecret: new Uint8Array(), clientSecretHint: '', botAppId: 'b' },
            dateCreated: new Date(epoch + value),
          },
        });
        return { sid: bot.sid, value: bot.dateCreated.getTime() };
      },
      remove: removing(prisma.bot),
    },
    {
      name: 'accessTokens by DATE_CREATED',
      read: (caller, direction, page) => listAccessTokens(gateway, caller, { field: 'DATE_CREATED', direction }, page),
      insert: async ({ organizationSid, accountSid }, number, value) => {
        const [dateCreated, dateExpires] = [new Date(epoch + value), new Date(Date.now() + 3_600_000)];
        const { sid } = await prisma.accessToken.create({
          data: { organizationSid, accountSid, sid: sidOf('AT', number), permissions: ['read'], dateCreated, dateExpires },
        });
        return { sid, value: dateCreated.getTime() };
      },
      remove: removing(prisma.accessToken),
    },
    {
      name: 'webhookEndpoints by DATE_CREATED',
      read: (caller, direction, page) => listWebhookEndpoints(gateway, caller, { field: 'DATE_CREATED', direction }, page),
      insert: async ({ organizationSid, accountSid }, number, value) => {
        const dateCreated = new Date(epoch + value);
        const { sid } = await prisma.webhookEndpoint.create({
          data: {
            ...{ organizationSid, accountSid, sid: `WE${String(number).padStart(32, '0')}`, url: 'https://a.example/', eventTypes: [] },
            ...{ withBody: false, secret: new Uint8Array(), status: 'DISABLED', position: 0n, dateCreated },
          },
        });
        return { sid, value: dateCreated.getTime() };
      },
      remove: removing(prisma.webhookEndpoint),
    },
    {
      name: 'accounts by DATE_CREATED',
      // Not the caller's own.
      read: (caller, direction, page) =>
        listOwnAccounts(gateway, caller, { statuses: ['SUSPENDED'] }, { field: 'DATE_CREATED', direction }, page),
      insert: async ({ organizationSid }, number, value) => {
        const { sid, dateCreated } = await prisma.account.create({
          data: {
            ...{ organizationSid, sid: `AC${String(number).padStart(32, '0')}`, email: 'a@list.example', friendlyName: 'a' },
            ...{ status: 'SUSPENDED', permissions: ['read'], tokenDigest: new Uint8Array(), tokenKeyId: '' },
            dateCreated: new Date(epoch + value),
          },
        });
        return { sid, value: dateCreated.getTime() };
      },
      remove: removing(prisma.account),
    },
    {
      name: 'auditLog by DATE_CREATED',
      // Not the record of the account itself.
      read: (caller, direction, page) =>
        listAuditLog(gateway, caller, { actions: ['message.send'] }, { field: 'DATE_CREATED', direction }, page),
      insert: async ({ organizationSid, accountSid }, number, value) => {
        const { sid, occurredAt } = await prisma.auditLog.create({
          data: {
            ...{ organizationSid, accountSid, sid: `AU${String(number).padStart(32, '0')}`, action: 'message.send' },
            ...{ targetSid: 'MS1', requestId: 'request', occurredAt: new Date(LONG_AGO + value) },
          },
        });
        return { sid, value: occurredAt.getTime() };
      },
      remove: async (sids) => {
        await prisma.$transaction([
          prisma.$executeRaw`SET LOCAL gateway.audit_log_trim = 'on'`,
          prisma.$executeRaw`DELETE FROM audit_log WHERE sid = ANY(${sids})`,
        ]);
      },
    },
    ...(['DATE_CREATED', 'FROM', 'TO'] as const).map((field) => ({
      name: `messages by ${field}`,
      read: (caller: Caller, direction: Direction, page: PageArguments) => listMessages(gateway, caller, {}, { field, direction }, page),
      insert: async (caller: Caller, number: number, value: number) => {
        const text = textOf(value);
        const message = await prisma.message.create({
          data: {
            ...(await ownedBy(prisma, caller)),
            ...{ sid: sidOf('MS', number), from: text, fromFolded: text, to: text, toFolded: text },
            ...{ direction: 'INBOUND', channelStatus: 'QUEUED', statusRank: 0, dateCreated: new Date(epoch + value) },
          },
        });
        return { sid: message.sid, value: field === 'DATE_CREATED' ? message.dateCreated.getTime() : text };
      },
      remove: removing(prisma.message),
    })),
    ...(['LAST_MESSAGE', 'PHONE', 'UNANSWERED_SINCE'] as const).map((field) => ({
      name: `conversations by ${field}`,
      read: (caller: Caller, direction: Direction, page: PageArguments) =>
        listConversations(gateway, caller, {}, { field, direction }, page),
      insert: async (caller: Caller, number: number, value: number) => {
        const [text, time] = [textOf(value), new Date(epoch + value)];
        const { organizationSid, enterpriseSid } = await ownedBy(prisma, caller);
        const { sid } = await prisma.conversation.create({
          data: {
            ...{ organizationSid, enterpriseSid, mappingSid: 'BE1', sid: sidOf('CV', number), phone: text, phoneFolded: text },
            ...{ messagesFromPhone: 1, messagesFromTeams: 0, messagesFailed: 0, lastMessageSid: 'MS1', lastMessageDate: time },
            ...{ unansweredSince: time, dateCreated: time },
          },
        });
        return { sid, value: field === 'PHONE' ? text : time.getTime() };
      },
      remove: removing(prisma.conversation),
    })),
  ];
}

interface Deletes {
  deleteMany(filter: { where: { sid: { in: string[] } } }): PromiseLike<unknown>;
}

/** CLOSED, since of those several may have one name. */
function insertEnterprise(prisma: PrismaClient, { organizationSid, accountSid }: Caller, sid: string, value: number) {
  const text = textOf(value);
  return prisma.enterprise.create({
    data: { sid, organizationSid, accountSid, name: text, nameFolded: text, status: 'CLOSED', dateCreated: new Date(epoch + value) },
  });
}

/** What binds a row to the caller and to an enterprise of theirs, made at the first need. */
async function ownedBy(prisma: PrismaClient, caller: Caller) {
  const { organizationSid, accountSid } = caller;
  const sid = `EN${organizationSid.slice(2)}`;
  if (!(await prisma.enterprise.findUnique({ where: { sid } }))) await insertEnterprise(prisma, caller, sid, 0);
  return { organizationSid, accountSid, enterpriseSid: sid };
}

/** The order that the database must have: by value in bytes, then by sid, both reversed where descending. */
export function comparator(direction: Direction): (a: Row, b: Row) => number {
  const sign = direction === 'ASC' ? 1 : -1;
  return (a, b) => sign * (byteOrder(a.value, b.value) || byteOrder(a.sid, b.sid));
}

function byteOrder(a: string | number, b: string | number): number {
  return typeof a === 'number' && typeof b === 'number' ? a - b : Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)));
}
