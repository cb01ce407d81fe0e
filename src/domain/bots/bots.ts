import * as z from 'zod';
import { type Bot, Prisma } from '../../../prisma/client/client.ts';
import { readsOf } from '../../database/lists/reads.ts';
import { selectRow } from '../../database/lists/select.ts';
import type { Table } from '../../database/lists/table.ts';
import { type Authority, authorities, type Cloud, clouds, loginTenantOf } from '../../platforms/microsoft/clouds.ts';
import type { BotCredentials } from '../../platforms/microsoft/microsoft.ts';
import { appendAudit } from '../audit.ts';
import type { Caller } from '../caller.ts';
import { belonging } from '../confinement.ts';
import { violatedConstraint } from '../constraints.ts';
import { differs } from '../enterprises/changes.ts';
import { holdOpenEnterprise, requireOpenEnterprise } from '../enterprises/enterprise-state.ts';
import { botNotFound, ConflictError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { idempotently } from '../idempotency.ts';
import {
  changed,
  changedSecret,
  invalidParameter,
  type Keyed,
  lookup,
  mandatory,
  mandatorySecret,
  optional,
  parseInput,
} from '../input.ts';
import { type TimeRanges, timesBetween } from '../lists/filters.ts';
import { edgeOf, type ListDefinition, type Order, type PageArguments, readPage, type Selection } from '../lists/keyset.ts';
import type { Page } from '../lists/pages.ts';
import { inTransaction } from '../transaction.ts';
import { newSid, normalizeSid } from '../values/sid.ts';
import { CURED_BY_BOT, releaseLanes } from '../waiting.ts';
import { followBot } from './bot-changes.ts';
import { certificateColumns, certificateFields, loadCredentials } from './bot-credentials.ts';
import { tenantGuidOf } from './bot-tenants.ts';
import { isStored, sealed } from './client-secrets.ts';

const settingFields = {
  cloud: z.enum(clouds).nullish(),
  authority: z.enum(authorities).nullish(),
  homeTenantId: optional(),
  dateClientSecretExpires: z.date().nullish(),
};
const createInput = z.object({
  enterpriseSid: mandatory(),
  applicationId: mandatory(),
  tenantId: mandatory(),
  clientSecret: mandatorySecret(),
  botAppId: mandatory(),
  ...certificateFields,
  ...settingFields,
});
/** Of a bot that has a certificate, which the contract does not know. */
const certifiedInput = createInput.extend({ clientSecret: changedSecret() });
const updateInput = z.object({
  sid: lookup(),
  enterpriseSid: changed(),
  applicationId: changed(),
  tenantId: changed(),
  clientSecret: changedSecret(),
  botAppId: changed(),
  removeClientSecret: z.boolean().nullish(),
  ...settingFields,
});
const deleteInput = z.object({ sid: lookup() });

type CreateBotInput = z.input<typeof certifiedInput> & Keyed;
type UpdateBotInput = z.input<typeof updateInput> & Keyed;
type DeleteBotInput = z.input<typeof deleteInput> & Keyed;

interface BotFilter extends TimeRanges {
  enterpriseSid?: string | null;
  /** Whether somebody has to do something about the bot. */
  unhealthy?: boolean | null;
}
type BotOrderField = 'DATE_CREATED';

export const BOTS: Table<Bot> = {
  name: 'bot',
  fields: Object.values(Prisma.BotScalarFieldEnum),
  owner: 'organizationSid',
  indexes: [
    { by: 'enterpriseSid', order: 'dateCreated' },
    { only: { field: 'unhealthy', value: true }, order: 'dateCreated', where: 'unhealthy' },
    { order: 'dateCreated', isDense: true },
  ],
};

/** Finds a bot in the caller's reach; `null` where there is none. */
export function findBot({ sql }: Gateway, caller: Caller, sid: string): Promise<Bot | null> {
  return selectRow(sql, BOTS, { sid: normalizeSid(sid), ...belonging(caller) });
}

const LIST: ListDefinition<Bot, BotOrderField> = { name: 'bots', columns: { DATE_CREATED: 'dateCreated' } };

/** The edge of a bot in the default order of its lists. */
export const botEdge = (bot: Bot) => edgeOf(LIST, 'DATE_CREATED', bot);

/** Reads one page of the bots in the caller's reach, sorted by creation, ascending by default. */
export function listBots(
  { sql }: Gateway,
  caller: Caller,
  filter: BotFilter,
  order: Order<BotOrderField> = { field: 'DATE_CREATED', direction: 'ASC' },
  page: PageArguments = {},
  selection?: Selection,
): Promise<Page<Bot>> {
  const where = [
    belonging(caller),
    filter.enterpriseSid ? { enterpriseSid: normalizeSid(filter.enterpriseSid) } : {},
    typeof filter.unhealthy === 'boolean' ? { unhealthy: filter.unhealthy } : {},
    timesBetween(filter),
  ];
  return readPage(caller, LIST, readsOf(sql, BOTS), where, order, page, selection);
}

/** The fields that messages do not read. */
const HEALTH_FIELDS = [
  ...(['healthStatus', 'healthSince', 'healthReason', 'healthCode', 'healthMessage', 'healthChecked', 'unhealthy'] as const),
  ...(['healthSeq', 'clientSecretExpires', 'clientSecretAdded'] as const),
] as const satisfies readonly (keyof Bot)[];
type HealthField = (typeof HEALTH_FIELDS)[number];
/** A bot as messages need it. */
export type BotOfDelivery = Omit<Bot, HealthField>;
export const BOT_OF_DELIVERY: readonly string[] = BOTS.fields.filter((field) => !HEALTH_FIELDS.some((health) => health === field));

/**
 * The credentials that the gateway uses at Microsoft on the enterprise's behalf. The connector knows a tenant by its GUID only.
 * @throws SealError where the client secret cannot be opened
 */
export function credentialsOf(gateway: Gateway, bot: BotOfDelivery): BotCredentials {
  const { applicationId, cloud, authority, credentialsKey } = bot;
  return {
    ...{ applicationId, cloud: cloud as Cloud },
    tenantId: bot.tenantGuid ?? bot.tenantId,
    clientSecret: gateway.secrets.open(bot.clientSecret, bot.sid),
    loginTenant: loginTenantOf(cloud as Cloud, authority as Authority, bot.homeTenantId),
    further: credentialsKey === null ? undefined : { key: credentialsKey, load: () => loadCredentials(gateway, bot) },
  };
}

/**
 * Reads the client secrets of bots of the caller's organization, and records each reading in the audit log first.
 * @returns the secrets in the order of the bots
 */
export async function revealClientSecrets(gateway: Gateway, caller: Caller, bots: readonly Bot[]): Promise<string[]> {
  await appendAudit(
    gateway.prisma,
    caller,
    bots.map((bot) => ({ action: 'bot.clientSecret.read', targetSid: bot.sid })),
  );
  return bots.map((bot) => credentialsOf(gateway, bot).clientSecret);
}

/**
 * Creates an enterprise's bot, and has the messages delivered that wait for one. The client secret is stored sealed, with the bot's sid as associated
 * data.
 * @throws InvalidInputError; NotFoundError ENTERPRISE_NOT_FOUND (4051); ConflictError ENTERPRISE_CLOSED (4053), BOT_EXISTS (483)
 */
export function createBot(gateway: Gateway, caller: Caller, input: CreateBotInput): Promise<Bot> {
  return idempotently(gateway, caller, 'createBot', input, async (remember) => {
    const isCertified = Boolean(input.certificate?.trim() || input.privateKey?.trim());
    const { clientSecret, dateClientSecretExpires, certificate, privateKey, cloud, authority, ...bot } = parseInput(
      isCertified ? certifiedInput : createInput,
      input,
    );
    const credential = isCertified ? certificateColumns(gateway, { certificate, privateKey }) : undefined;
    requireHome(authority, bot.homeTenantId);
    await requireOpenEnterprise(gateway, caller, bot.enterpriseSid);
    const sid = newSid('BE');
    const tenantGuid = await tenantGuidOf(gateway, bot.tenantId, cloud ?? undefined);
    return inTransaction(gateway.prisma, async (tx) => {
      await holdOpenEnterprise(tx, caller, bot.enterpriseSid);
      const created = await tx.bot.create({
        data: {
          ...bot,
          ...sealed(gateway, sid, clientSecret ?? ''),
          clientSecretExpires: dateClientSecretExpires,
          ...{ sid, tenantGuid, cloud: cloud ?? undefined, authority: authority ?? undefined },
          ...(credential && { credentialsKey: credential.sid }),
          organizationSid: caller.organizationSid,
          accountSid: caller.accountSid,
        },
      });
      if (credential) await tx.botCredential.create({ data: { ...credential, botSid: sid, organizationSid: caller.organizationSid } });
      await followBot(tx, undefined, created);
      await releaseLanes(tx, { enterpriseSid: created.enterpriseSid, reasons: CURED_BY_BOT });
      await remember(tx, created);
      return created;
    })
      .catch((error) => {
        throw asUniquenessError(error, bot.enterpriseSid);
      })
      .finally(gateway.hints.queued);
  });
}

/**
 * Updates a bot, and tries to deliver the messages that wait because of it. A client secret that equals the mask of the stored one leaves it as it is
 * (REST.md, Answers).
 * @param input.removeClientSecret leaves the bot its further credentials only
 * @throws as createBot, and NotFoundError BOT_NOT_FOUND (481)
 */
export function updateBot(gateway: Gateway, caller: Caller, input: UpdateBotInput): Promise<Bot> {
  return idempotently(gateway, caller, 'updateBot', input, async (remember) => {
    const { sid = '', clientSecret, removeClientSecret, dateClientSecretExpires, ...given } = parseInput(updateInput, input);
    if (removeClientSecret && clientSecret !== undefined)
      throw invalidParameter(['removeClientSecret'], 'must not be given with clientSecret');
    const change = withoutNull({ ...given, clientSecretExpires: dateClientSecretExpires });
    const tenant = change.tenantId === undefined ? {} : { tenantGuid: await tenantGuidOf(gateway, change.tenantId, change.cloud) };
    return inTransaction(gateway.prisma, async (tx) => {
      const bot = await tx.bot.findUnique({ where: { sid, ...belonging(caller) } });
      if (!bot) throw botNotFound(sid);
      await holdOpenEnterprise(tx, caller, change.enterpriseSid ?? bot.enterpriseSid);
      if (removeClientSecret && bot.credentialsKey === null)
        throw invalidParameter(['removeClientSecret'], 'needs another credential of the bot');
      const next = removeClientSecret ? '' : clientSecret;
      const secret = next === undefined || isStored(gateway, bot, next) ? {} : sealed(gateway, sid, next);
      requireHome(change.authority ?? (bot.authority as Authority), change.homeTenantId ?? bot.homeTenantId);
      // The end that is known is the former secret's.
      const ends = 'clientSecret' in secret ? { clientSecretExpires: null, clientSecretAdded: new Date() } : {};
      const isChanged = differs(bot, { ...change, ...secret });
      const data = { ...ends, ...change, ...tenant, ...secret, healthChecked: null, ...(isChanged && { dateUpdated: new Date() }) };
      const [updated] = await tx.bot.updateManyAndReturn({ where: { sid, ...belonging(caller) }, data });
      if (!updated) throw botNotFound(sid);
      await followBot(tx, bot, updated);
      await releaseLanes(tx, { enterpriseSid: updated.enterpriseSid, reasons: CURED_BY_BOT });
      await remember(tx, updated, { changed: isChanged });
      return updated;
    })
      .catch((error) => {
        throw asUniquenessError(error, change.enterpriseSid ?? '');
      })
      .finally(gateway.hints.queued);
  });
}

/**
 * Deletes an enterprise's bot.
 * @returns the bot as it was
 * @throws NotFoundError BOT_NOT_FOUND (481)
 */
export function deleteBot(gateway: Gateway, caller: Caller, input: DeleteBotInput): Promise<Bot> {
  return idempotently(gateway, caller, 'deleteBot', input, async (remember) => {
    const { sid = '' } = parseInput(deleteInput, input);
    return inTransaction(gateway.prisma, async (tx) => {
      const bot = await tx.bot.findUnique({ where: { sid, ...belonging(caller) } });
      if (!bot) throw botNotFound(sid);
      const { count } = await tx.bot.deleteMany({ where: { sid, ...belonging(caller) } });
      if (count === 0) throw botNotFound(sid);
      await remember(tx, bot);
      return bot;
    });
  });
}

/** @throws InvalidInputError unless the home tenant is known where it is needed */
function requireHome(authority: Authority | null | undefined, homeTenantId: string | null | undefined): void {
  if (authority === 'HOME' && !homeTenantId) throw invalidParameter(['homeTenantId'], 'must be given with the authority HOME');
}

/** Leaves out what is not given: the stored value stays. */
const withoutNull = <Given extends object>(given: Given) =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null && value !== undefined)) as {
    [Key in keyof Given]?: NonNullable<Given[Key]>;
  };

/** BOT_EXISTS (483) for a violated unique index, else the error itself. */
function asUniquenessError(error: unknown, enterpriseSid: string): unknown {
  if (violatedConstraint(error) === undefined) return error;
  return new ConflictError('BOT_EXISTS', 'Bot details already exist', { value: enterpriseSid, path: ['enterpriseSid'] });
}
