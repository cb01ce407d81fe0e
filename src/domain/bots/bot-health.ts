import type { Bot, Prisma } from '../../../prisma/client/client.ts';
import { type BotCheck, type BotFault, botFaults, botWarnings } from '../../platforms/microsoft/microsoft.ts';
import type { Gateway } from '../gateway.ts';
import { SealError } from '../secrets.ts';
import { inTransaction, type Transaction } from '../transaction.ts';
import { releaseLanes } from '../waiting.ts';
import { retryAll } from './bot-changes.ts';
import { moveBot } from './bot-clouds.ts';
import { credentialsOf } from './bots.ts';
import { endsOf } from './credential-ends.ts';
import { cureOf, type HealthStatus, type HealthVerdict, judge, OF_SOME_USERS } from './health-verdict.ts';
import { checkInstallations, mustBeFound } from './teams-installations.ts';

/** How often a bot is checked, in ms. */
const CHECK_EVERY_MS = 24 * 60 * 60_000;
/** When a bot is checked again that Microsoft did not answer for, in ms. It may not know new credentials before that. */
const RETRY_AFTER_MS = 10 * 60_000;
/** How many bots a run of the job checks. */
const BATCH = 20;

/** Checks the bots that are new, were changed, or were not checked for a day, each once. @returns how many */
export async function checkBots(gateway: Gateway, signal?: AbortSignal): Promise<number> {
  const checked: string[] = [];
  while (checked.length < BATCH) {
    const bot = signal?.aborted ? null : await claimBot(gateway, checked);
    if (!bot) return checked.length;
    checked.push(bot.sid);
    try {
      await checkHealth(gateway, bot);
    } catch (error) {
      gateway.log.warn({ err: error, botSid: bot.sid }, "cannot check a bot's health");
      // Otherwise it is due again soon, as it was claimed.
      if (error instanceof SealError) await storeHealth(gateway, bot, UNREADABLE);
    }
  }
  return BATCH;
}

/** What is the matter with a bot whose credentials cannot be opened. */
export const UNREADABLE = {
  status: 'UNHEALTHY',
  reason: 'BOT_CREDENTIALS',
  code: 'CredentialsUnreadable',
  message: 'The gateway does not have the key that the credentials of the bot are stored with.',
} as const satisfies HealthVerdict;

/**
 * Claims a bot that is due, the new and changed ones first, so that no other instance checks it: it is due again as if Microsoft had not answered.
 * @param but sids of others
 */
async function claimBot({ prisma }: Gateway, but: readonly string[]): Promise<Bot | null> {
  const [due] = await prisma.$queryRaw<{ sid: string }[]>`
    UPDATE bot SET health_checked = ${dueAfterRetry()} WHERE sid = (
      SELECT sid FROM bot WHERE (health_checked IS NULL OR health_checked < ${new Date(Date.now() - CHECK_EVERY_MS)})
        AND sid <> ALL (${[...but]}::text[])
      ORDER BY health_checked NULLS FIRST LIMIT 1 FOR UPDATE SKIP LOCKED
    ) RETURNING sid`;
  return due ? prisma.bot.findUnique({ where: { sid: due.sid } }) : null;
}

/** Claims a bot that is checked now, due or not: checks that began before no longer count. @returns `null` if it is gone */
export async function claimForCheck({ prisma }: Gateway, { sid, organizationSid }: Bot): Promise<Bot | null> {
  const [claimed] = await prisma.bot.updateManyAndReturn({ where: { organizationSid, sid }, data: { healthChecked: dueAfterRetry() } });
  return claimed ?? null;
}

/** When a bot counts as checked that is checked again after a while. */
const dueAfterRetry = () => new Date(Date.now() - CHECK_EVERY_MS + RETRY_AFTER_MS);

/**
 * Has bots checked again, after those that are due already. A check that is under way counts all the same: while thousands of users are installed or
 * refused, none would otherwise.
 */
async function checkAgain({ prisma }: Pick<Gateway, 'prisma'>, where: Prisma.BotWhereInput): Promise<void> {
  const due = new Date(Date.now() - CHECK_EVERY_MS - 1);
  await prisma.bot.updateMany({ where: { ...where, healthChecked: { gt: due } }, data: { healthChecked: due } });
}

async function checkHealth(gateway: Gateway, bot: Bot): Promise<void> {
  const credentials = credentialsOf(gateway, bot);
  const given = { botAppId: bot.botAppId, mustBeFound: await mustBeFound(gateway, bot) };
  const [found, app] = await Promise.all([gateway.microsoft.verifyBot(credentials, given), gateway.microsoft.checkApp(credentials, given)]);
  const installations = await checkInstallations(gateway, bot, found);
  const movedTo = found.find((check) => check.movedTo)?.movedTo;
  if (movedTo) await moveBot(gateway, bot, movedTo);
  await storeHealth(gateway, bot, await verdictOf(gateway, bot, [...found, ...app, ...installations]));
}

/** Judges a bot, now: by its checks, and if these find nothing, by the messages that wait. */
export async function verdictOf(gateway: Gateway, bot: Bot, checks: readonly BotCheck[]): Promise<HealthVerdict | undefined> {
  const verdict = judge(checks, await endsOf(gateway, bot), Date.now() - bot.dateUpdated.getTime() < RETRY_AFTER_MS);
  if (verdict?.status !== 'HEALTHY') return verdict;
  // What was refused before may be what is refused now.
  if (verdict.isEarly && bot.healthReason === 'CREDENTIAL_REFUSED') return undefined;
  return { ...verdict, ...(await keptWaiting(gateway, bot)) };
}

/** What messages to some users still wait for. */
async function keptWaiting({ prisma }: Gateway, { enterpriseSid }: Bot): Promise<HealthVerdict | undefined> {
  const [hold] = await prisma.$queryRaw<{ reason: BotFault; code: string; message: string }[]>`
    SELECT h.reason::text, h.code, h.message FROM lane_hold h
    WHERE h.enterprise_sid = ${enterpriseSid} AND h.reason = ANY (${[...OF_SOME_USERS]}::message_hold_reason[])
      AND EXISTS (SELECT 1 FROM outbox o WHERE o.lane = h.lane)
    ORDER BY h.since, h.lane LIMIT 1`;
  return hold && { status: 'WARNING', ...hold };
}

/**
 * Stores what a check has found, unless the bot or its health has changed meanwhile, or another check has begun.
 * @param bot as it was claimed for the check
 * @param verdict `undefined` if it is not known: what was known stays
 */
export async function storeHealth(gateway: Gateway, bot: Bot, verdict: HealthVerdict | undefined): Promise<void> {
  const { organizationSid, sid, dateUpdated, healthChecked: claimed, healthSeq } = bot;
  const where = { organizationSid, sid, dateUpdated };
  // Another check claims it with a later time, and checkAgain with an earlier one.
  if (verdict && !(await store(gateway, bot, verdict, { ...where, healthSeq, healthChecked: claimed && { lte: claimed } }, true))) return;
  const healthChecked = !verdict || verdict.isEarly ? dueAfterRetry() : new Date();
  await gateway.prisma.bot.updateMany({ where: { ...where, healthChecked: claimed }, data: { healthChecked } });
}

/**
 * Stores how a bot is. `healthSince` changes only if something else is the matter.
 * @param isChecked whether a check has found it: then what was the matter before is over. A refused message does not show that
 * @returns whether the bot was as `where` says
 */
async function store(gateway: Gateway, bot: Bot, verdict: HealthVerdict, where: Prisma.BotWhereInput, isChecked = false): Promise<boolean> {
  const { prisma, hints, log } = gateway;
  const { sid, organizationSid, enterpriseSid } = bot;
  const { status, reason = null, code = null, message = null } = verdict;
  const isOther = status !== bot.healthStatus || reason !== bot.healthReason || code !== bot.healthCode;
  const isNews = isOther || message !== bot.healthMessage;
  const data = { healthStatus: status, healthReason: reason, healthCode: code, healthMessage: message, unhealthy: isTrouble(status) };
  const isOver = isChecked && reason !== bot.healthReason && KEEPS_WAITING.has(bot.healthReason ?? '');
  const count = await inTransaction(prisma, async (tx) => {
    const stored = await tx.bot.updateMany({ where, data: { ...data, ...(isOther && { healthSince: new Date() }) } });
    if (stored.count > 0 && isOver) await retry(tx, bot, status);
    return stored.count;
  });
  if (count > 0 && isOver) {
    hints.queued();
    hints.installable?.();
  }
  if (count === 0 || !isNews) return count > 0;
  hints.healthChanged?.(organizationSid);
  log[isTrouble(status) ? 'warn' : 'info'](
    { botSid: sid, organizationSid, enterpriseSid, status, reason, code, cure: cureOf(reason) },
    "a bot's health has changed",
  );
  return true;
}

/** Reasons for which messages, installations and look-ups of users are put off: once they are over, all of these are tried again. */
const KEEPS_WAITING: ReadonlySet<string> = new Set([...botFaults, ...botWarnings]);

/** Tries what waited for what was the matter with a bot. While something else is, only its messages, which may get past that. */
async function retry(tx: Transaction, { enterpriseSid, healthReason }: Bot, status: HealthStatus): Promise<void> {
  const fault = botFaults.find((known) => known === healthReason);
  if (status !== 'UNHEALTHY') await retryAll(tx, enterpriseSid);
  else if (fault) await releaseLanes(tx, { enterpriseSid, reasons: [fault] });
}

const isTrouble = (status: HealthStatus) => status === 'WARNING' || status === 'UNHEALTHY';

/**
 * Stores what messages have met. Of a cause that may be one user's, it warns, unless more is the matter, and has the bot checked: that tells whether it is
 * everybody's.
 */
export async function noteFault(
  gateway: Gateway,
  enterpriseSid: string,
  { reason, code, message }: { reason: string; code: string; message: string },
): Promise<void> {
  const fault = botFaults.find((known) => known === reason);
  const bot = fault && (await gateway.prisma.bot.findUnique({ where: { enterpriseSid } }));
  if (!bot) return;
  const { organizationSid, sid, dateUpdated } = bot;
  const where = { organizationSid, sid, dateUpdated };
  const isOfSome = OF_SOME_USERS.includes(fault);
  const status = isOfSome ? 'WARNING' : 'UNHEALTHY';
  if (!isOfSome || !isTrouble(bot.healthStatus as HealthStatus)) await store(gateway, bot, { status, reason: fault, code, message }, where);
  if (isOfSome) await checkAgain(gateway, where);
}

/** Has a bot checked again, since one of its messages got past the cause that others wait for. */
export async function noteCure(gateway: Pick<Gateway, 'prisma'>, enterpriseSid: string, reason: string): Promise<void> {
  await checkAgain(gateway, { enterpriseSid, healthReason: reason });
}

/**
 * Has a bot checked again that seemed fine, since Microsoft has refused to install its app for a cause of the bot's own; and one with a warning, since an
 * app was installed after such a cause.
 */
export async function noteInstallation(gateway: Pick<Gateway, 'prisma'>, enterpriseSid: string, isInstalled: boolean): Promise<void> {
  const seems = isInstalled ? { healthReason: { in: [...botWarnings] } } : { healthStatus: { in: ['HEALTHY', 'UNKNOWN'] } };
  await checkAgain(gateway, { enterpriseSid, ...seems });
}
