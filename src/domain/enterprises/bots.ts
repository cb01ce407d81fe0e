import { z } from 'zod';
import { type Bot, Prisma } from '../../../prisma/client/client.ts';
import { readsOf } from '../../database/lists/reads.ts';
import { selectRow, type Table } from '../../database/lists/select.ts';
import type { BotCheck, BotCredentials } from '../../platforms/microsoft/microsoft.ts';
import { appendAudit } from '../audit.ts';
import type { Caller } from '../caller.ts';
import { belonging } from '../confinement.ts';
import { violatedConstraint } from '../constraints.ts';
import { botNotFound, ConflictError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { idempotently } from '../idempotency.ts';
import { changed, lookup, mandatory, parseInput, SECRET } from '../input.ts';
import { type CreatedRange, createdBetween } from '../lists/filters.ts';
import { type Listed, type Order, type PageArguments, readPage, type Shown } from '../lists/keyset.ts';
import type { Page } from '../lists/pages.ts';
import { newSid, sought } from '../sid.ts';
import { inTransaction } from '../transaction.ts';
import { followBot } from './bot-changes.ts';
import { holdOpenEnterprise, requireOpenEnterprise } from './enterprise-state.ts';

const createInput = z.object({
  enterpriseSid: mandatory(),
  applicationId: mandatory(),
  tenantId: mandatory(),
  clientSecret: mandatory(1024, SECRET),
  botAppId: mandatory(),
});
const updateInput = z.object({
  sid: lookup(),
  enterpriseSid: changed(),
  applicationId: changed(),
  tenantId: changed(),
  clientSecret: changed(1024, SECRET),
  botAppId: changed(),
});
const deleteInput = z.object({ sid: lookup() });

type Keyed = { idempotencyKey?: string | null };
export type CreateBotInput = z.input<typeof createInput> & Keyed;
export type UpdateBotInput = z.input<typeof updateInput> & Keyed;
export type DeleteBotInput = z.input<typeof deleteInput> & Keyed;

export interface BotFilter extends CreatedRange {
  enterpriseSid?: string | null;
}
export type BotOrderField = 'DATE_CREATED';

export const BOTS: Table<Bot> = { name: 'bot', fields: Object.values(Prisma.BotScalarFieldEnum) };

/** The bot with this sid in the caller's organization, else `null`. */
export function findBot({ sql }: Gateway, caller: Caller, sid: string): Promise<Bot | null> {
  return selectRow(sql, BOTS, { sid: sought(sid), ...belonging(caller) });
}

const LIST: Listed<Bot, BotOrderField> = { name: 'bots', columns: { DATE_CREATED: 'dateCreated' } };

/** One page of the caller's bots, in the order of their creation. */
export function listBots(
  { sql }: Gateway,
  caller: Caller,
  filter: BotFilter,
  order: Order<BotOrderField> = { field: 'DATE_CREATED', direction: 'ASC' },
  page: PageArguments = {},
  shown?: Shown,
): Promise<Page<Bot>> {
  const where = [belonging(caller), filter.enterpriseSid ? { enterpriseSid: sought(filter.enterpriseSid) } : {}, createdBetween(filter)];
  return readPage(caller, LIST, readsOf(sql, BOTS), where, order, page, shown);
}

/** What the gateway asks Microsoft with on the enterprise's behalf. */
export function credentialsOf({ secrets }: Gateway, bot: Bot): BotCredentials {
  return { applicationId: bot.applicationId, tenantId: bot.tenantId, clientSecret: secrets.open(bot.clientSecret, bot.sid) };
}

/**
 * The client secrets of bots of the caller's organization, in their order. The reading of each is audited before it is given.
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
 * Gives an enterprise its bot. The client secret is sealed with the bot's sid as associated data.
 * @throws InvalidInputError; NotFoundError ENTERPRISE_NOT_FOUND (4051); ConflictError ENTERPRISE_CLOSED (4053), BOT_EXISTS (483)
 */
export function createBot(gateway: Gateway, caller: Caller, input: CreateBotInput): Promise<Bot> {
  return idempotently(gateway, caller, 'createBot', input, async (remember) => {
    const { clientSecret, ...bot } = parseInput(createInput, input);
    await requireOpenEnterprise(gateway, caller, bot.enterpriseSid);
    const sid = newSid('BE');
    return inTransaction(gateway.prisma, async (tx) => {
      await holdOpenEnterprise(tx, caller, bot.enterpriseSid);
      const created = await tx.bot.create({
        data: {
          ...bot,
          ...sealed(gateway, sid, clientSecret),
          sid,
          organizationSid: caller.organizationSid,
          accountSid: caller.accountSid,
        },
      });
      await followBot(tx, undefined, created);
      await remember(tx, created);
      return created;
    }).catch((error) => {
      throw uniqueness(error, bot.enterpriseSid);
    });
  });
}

/**
 * Changes a bot. A client secret that reads as the mask of the stored one leaves it as it is (REST.md, Answers).
 * @throws as createBot, and NotFoundError BOT_NOT_FOUND (481)
 */
export function updateBot(gateway: Gateway, caller: Caller, input: UpdateBotInput): Promise<Bot> {
  return idempotently(gateway, caller, 'updateBot', input, async (remember) => {
    const { sid = '', clientSecret, ...change } = parseInput(updateInput, input);
    return inTransaction(gateway.prisma, async (tx) => {
      const bot = await tx.bot.findUnique({ where: { sid, ...belonging(caller) } });
      if (!bot) throw botNotFound(sid);
      await holdOpenEnterprise(tx, caller, change.enterpriseSid ?? bot.enterpriseSid);
      const secret = clientSecret === undefined || clientSecret === masked(bot.clientSecretHint) ? {} : sealed(gateway, sid, clientSecret);
      const data = { ...change, ...secret, dateUpdated: new Date() };
      const [updated] = await tx.bot.updateManyAndReturn({ where: { sid, ...belonging(caller) }, data });
      if (!updated) throw botNotFound(sid);
      await followBot(tx, bot, updated);
      await remember(tx, updated);
      return updated;
    }).catch((error) => {
      throw uniqueness(error, change.enterpriseSid ?? '');
    });
  });
}

/**
 * Takes an enterprise's bot away.
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

/** How a secret is shown where it must not be: its last four characters behind bullets. */
export const masked = (hint: string) => `••••${hint}`;

function sealed({ secrets }: Gateway, sid: string, clientSecret: string) {
  return { clientSecret: new Uint8Array(secrets.seal(clientSecret, sid)), clientSecretHint: clientSecret.slice(-4) };
}

function uniqueness(error: unknown, enterpriseSid: string): unknown {
  if (violatedConstraint(error) === undefined) return error;
  return new ConflictError('BOT_EXISTS', 'Bot details already exist', { value: enterpriseSid, path: ['enterpriseSid'] });
}

/**
 * Tries out a bot with Microsoft: its token, its Graph permission, the connector's reach. Changes nothing.
 * @throws NotFoundError BOT_NOT_FOUND
 */
export async function verifyBot(gateway: Gateway, caller: Caller, sid: string): Promise<BotCheck[]> {
  const bot = await findBot(gateway, caller, sid);
  if (!bot) throw botNotFound(sid);
  const checks = await gateway.microsoft.verifyBot(credentialsOf(gateway, bot));
  await appendAudit(gateway.prisma, caller, [{ action: 'bot.verify', targetSid: bot.sid }]);
  return checks;
}
