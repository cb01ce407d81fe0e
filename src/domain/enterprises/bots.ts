import * as z from 'zod';
import { type Bot, Prisma } from '../../../prisma/client/client.ts';
import { readsOf } from '../../database/lists/reads.ts';
import { selectRow } from '../../database/lists/select.ts';
import type { Table } from '../../database/lists/table.ts';
import type { BotCheck, BotCredentials } from '../../platforms/microsoft/microsoft.ts';
import { appendAudit } from '../audit.ts';
import type { Caller } from '../caller.ts';
import { belonging } from '../confinement.ts';
import { violatedConstraint } from '../constraints.ts';
import { botNotFound, ConflictError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { idempotently } from '../idempotency.ts';
import { changed, changedSecret, type Keyed, lookup, mandatory, mandatorySecret, parseInput } from '../input.ts';
import { type TimeRanges, timesBetween } from '../lists/filters.ts';
import { edgeOf, type ListDefinition, type Order, type PageArguments, readPage, type Selection } from '../lists/keyset.ts';
import type { Page } from '../lists/pages.ts';
import { SealError } from '../secrets.ts';
import { newSid, normalizeSid } from '../sid.ts';
import { inTransaction } from '../transaction.ts';
import { CURED_BY_BOT, releaseLanes } from '../waiting.ts';
import { followBot } from './bot-changes.ts';
import { checkTenant, tenantGuidOf } from './bot-tenants.ts';
import { differs } from './changes.ts';
import { holdOpenEnterprise, requireOpenEnterprise } from './enterprise-state.ts';

const createInput = z.object({
  enterpriseSid: mandatory(),
  applicationId: mandatory(),
  tenantId: mandatory(),
  clientSecret: mandatorySecret(),
  botAppId: mandatory(),
});
const updateInput = z.object({
  sid: lookup(),
  enterpriseSid: changed(),
  applicationId: changed(),
  tenantId: changed(),
  clientSecret: changedSecret(),
  botAppId: changed(),
});
const deleteInput = z.object({ sid: lookup() });

type CreateBotInput = z.input<typeof createInput> & Keyed;
type UpdateBotInput = z.input<typeof updateInput> & Keyed;
type DeleteBotInput = z.input<typeof deleteInput> & Keyed;

interface BotFilter extends TimeRanges {
  enterpriseSid?: string | null;
}
type BotOrderField = 'DATE_CREATED';

export const BOTS: Table<Bot> = {
  name: 'bot',
  fields: Object.values(Prisma.BotScalarFieldEnum),
  owner: 'organizationSid',
  indexes: [
    { by: 'enterpriseSid', order: 'dateCreated' },
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
    timesBetween(filter),
  ];
  return readPage(caller, LIST, readsOf(sql, BOTS), where, order, page, selection);
}

/**
 * The credentials that the gateway uses at Microsoft on the enterprise's behalf. The connector knows a tenant by its GUID only.
 * @throws SealError where the client secret cannot be opened
 */
export function credentialsOf({ secrets }: Gateway, bot: Bot): BotCredentials {
  return {
    applicationId: bot.applicationId,
    tenantId: bot.tenantGuid ?? bot.tenantId,
    clientSecret: secrets.open(bot.clientSecret, bot.sid),
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
    const { clientSecret, ...bot } = parseInput(createInput, input);
    await requireOpenEnterprise(gateway, caller, bot.enterpriseSid);
    const sid = newSid('BE');
    const tenantGuid = await tenantGuidOf(gateway, bot.tenantId);
    return inTransaction(gateway.prisma, async (tx) => {
      await holdOpenEnterprise(tx, caller, bot.enterpriseSid);
      const created = await tx.bot.create({
        data: {
          ...bot,
          ...sealed(gateway, sid, clientSecret),
          sid,
          tenantGuid,
          organizationSid: caller.organizationSid,
          accountSid: caller.accountSid,
        },
      });
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
 * @throws as createBot, and NotFoundError BOT_NOT_FOUND (481)
 */
export function updateBot(gateway: Gateway, caller: Caller, input: UpdateBotInput): Promise<Bot> {
  return idempotently(gateway, caller, 'updateBot', input, async (remember) => {
    const { sid = '', clientSecret, ...change } = parseInput(updateInput, input);
    const tenant = change.tenantId === undefined ? {} : { tenantGuid: await tenantGuidOf(gateway, change.tenantId) };
    return inTransaction(gateway.prisma, async (tx) => {
      const bot = await tx.bot.findUnique({ where: { sid, ...belonging(caller) } });
      if (!bot) throw botNotFound(sid);
      await holdOpenEnterprise(tx, caller, change.enterpriseSid ?? bot.enterpriseSid);
      const secret = clientSecret === undefined || isStored(gateway, bot, clientSecret) ? {} : sealed(gateway, sid, clientSecret);
      const isChanged = differs(bot, { ...change, ...secret });
      const data = { ...change, ...tenant, ...secret, ...(isChanged && { dateUpdated: new Date() }) };
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

/** The mask that stands for a secret: bullets and its hint. */
const masked = (hint: string) => `••••${hint}`;

/** Whether the bot has this client secret already: the text is the mask of the stored one, or equal to it. */
function isStored(gateway: Gateway, bot: Bot, clientSecret: string): boolean {
  if (clientSecret.trim() === masked(bot.clientSecretHint).trim()) return true;
  try {
    return credentialsOf(gateway, bot).clientSecret === clientSecret;
  } catch (error) {
    // Its key is lost: any secret that is given replaces it.
    if (error instanceof SealError) return false;
    throw error;
  }
}

/** The columns that hold a client secret. */
function sealed({ secrets }: Gateway, sid: string, clientSecret: string) {
  return { clientSecret: new Uint8Array(secrets.seal(clientSecret, sid)), clientSecretHint: hintOf(clientSecret) };
}

/** The end of a secret to recognize it by: four characters, but never more than half of it. */
function hintOf(clientSecret: string): string {
  const characters = Array.from(clientSecret);
  return characters.slice(characters.length - Math.min(4, Math.floor(characters.length / 2))).join('');
}

/** BOT_EXISTS (483) for a violated unique index, else the error itself. */
function asUniquenessError(error: unknown, enterpriseSid: string): unknown {
  if (violatedConstraint(error) === undefined) return error;
  return new ConflictError('BOT_EXISTS', 'Bot details already exist', { value: enterpriseSid, path: ['enterpriseSid'] });
}

/**
 * Checks a bot's credentials with Microsoft, step by step: its token, its permission in Microsoft Graph, and whether the connector can be reached. Changes
 * nothing, and is recorded in the audit log.
 * @throws NotFoundError BOT_NOT_FOUND (481)
 */
export async function verifyBot(gateway: Gateway, caller: Caller, sid: string): Promise<BotCheck[]> {
  const bot = await findBot(gateway, caller, sid);
  if (!bot) throw botNotFound(sid);
  const checks = await checkTenant(gateway, bot, await gateway.microsoft.verifyBot(credentialsOf(gateway, bot)));
  await appendAudit(gateway.prisma, caller, [{ action: 'bot.verify', targetSid: bot.sid }]);
  return checks;
}
