import type { Bot } from '../../../prisma/client/client.ts';
import { type BotCheck, botFaults, botWarnings } from '../../platforms/microsoft/microsoft.ts';
import type { Gateway } from '../gateway.ts';
import { moveBot } from './bot-clouds.ts';
import { credentialsOf } from './bots.ts';
import { endsOf } from './credential-ends.ts';
import { cureOf, type HealthStatus, type HealthVerdict, judge } from './health-verdict.ts';
import { checkInstallations, mustBeFound } from './teams-installations.ts';

/** How often a bot is checked, in ms. */
const CHECK_EVERY_MS = 24 * 60 * 60_000;
/** When a bot is checked again that Microsoft did not answer for, in ms. It may not know new credentials before that. */
const RETRY_AFTER_MS = 10 * 60_000;
/** How many bots a run of the job checks. */
const BATCH = 20;

/** Checks the bots that are new, were changed, or were not checked for a day. @returns how many */
export async function checkBots(gateway: Gateway, signal?: AbortSignal): Promise<number> {
  for (let checked = 0; checked < BATCH; checked += 1) {
    const bot = signal?.aborted ? null : await claimBot(gateway);
    if (!bot) return checked;
    try {
      await checkHealth(gateway, bot);
    } catch (error) {
      gateway.log.warn({ err: error, botSid: bot.sid }, "cannot check a bot's health");
      await gateway.prisma.bot.updateMany({ where: unchanged(bot), data: { healthChecked: new Date() } });
    }
  }
  return BATCH;
}

/** Claims a bot that is due, so that no other instance checks it: it is due again as if Microsoft had not answered. */
async function claimBot({ prisma }: Gateway): Promise<Bot | null> {
  const [due] = await prisma.$queryRaw<{ sid: string }[]>`
    UPDATE bot SET health_checked = ${dueAfterRetry()} WHERE sid = (
      SELECT sid FROM bot WHERE health_checked IS NULL OR health_checked < ${new Date(Date.now() - CHECK_EVERY_MS)}
      ORDER BY health_checked NULLS FIRST LIMIT 1 FOR UPDATE SKIP LOCKED
    ) RETURNING sid`;
  return due ? prisma.bot.findUnique({ where: { sid: due.sid } }) : null;
}

/** When a bot counts as checked that is checked again after a while. */
const dueAfterRetry = () => new Date(Date.now() - CHECK_EVERY_MS + RETRY_AFTER_MS);

/** A bot that was changed meanwhile is checked again. */
const unchanged = ({ sid, organizationSid, dateUpdated }: Bot) => ({ organizationSid, sid, dateUpdated });

async function checkHealth(gateway: Gateway, bot: Bot): Promise<void> {
  const credentials = credentialsOf(gateway, bot);
  const given = { botAppId: bot.botAppId, mustBeFound: await mustBeFound(gateway, bot) };
  const [found, app, installations] = await Promise.all([
    gateway.microsoft.verifyBot(credentials, given),
    gateway.microsoft.checkApp(credentials, given),
    checkInstallations(gateway, bot.enterpriseSid),
  ]);
  const movedTo = found.find((check) => check.movedTo)?.movedTo;
  if (movedTo) await moveBot(gateway, bot, movedTo);
  await storeHealth(gateway, bot, await verdictOf(gateway, bot, [...found, ...app, ...installations]));
}

/** Judges a bot by its checks, now. */
export const verdictOf = async (gateway: Gateway, bot: Bot, checks: readonly BotCheck[]): Promise<HealthVerdict | undefined> =>
  judge(checks, await endsOf(gateway, bot), Date.now() - bot.dateUpdated.getTime() < RETRY_AFTER_MS);

/**
 * Stores how a bot is. `healthSince` changes only if something else is the matter.
 * @param verdict `undefined` if it is not known: what was known stays
 */
export async function storeHealth({ prisma, hints, log }: Gateway, bot: Bot, verdict: HealthVerdict | undefined): Promise<void> {
  const { sid, organizationSid, enterpriseSid } = bot;
  const now = new Date();
  const where = unchanged(bot);
  if (!verdict) {
    await prisma.bot.updateMany({ where, data: { healthChecked: dueAfterRetry() } });
    return;
  }
  const { status, reason = null, code = null, message = null } = verdict;
  const isNews = status !== bot.healthStatus || reason !== bot.healthReason || code !== bot.healthCode;
  const data = { healthStatus: status, healthReason: reason, healthCode: code, healthMessage: message, unhealthy: isTrouble(status) };
  await prisma.bot.updateMany({ where, data: { ...data, healthChecked: now, ...(isNews && { healthSince: now }) } });
  if (!isNews) return;
  hints.healthChanged?.(organizationSid);
  log[isTrouble(status) ? 'warn' : 'info'](
    { botSid: sid, organizationSid, enterpriseSid, status, reason, code, cure: cureOf(reason) },
    "a bot's health has changed",
  );
}

const isTrouble = (status: HealthStatus) => status === 'WARNING' || status === 'UNHEALTHY';

/** Stores what messages have met: a cause that keeps all of the bot's messages waiting. */
export async function noteFault(
  gateway: Gateway,
  enterpriseSid: string,
  { reason, code, message }: { reason: string; code: string; message: string },
): Promise<void> {
  const fault = botFaults.find((known) => known === reason);
  const bot = fault && (await gateway.prisma.bot.findUnique({ where: { enterpriseSid } }));
  if (bot) await storeHealth(gateway, bot, { status: 'UNHEALTHY', reason: fault, code, message });
}

/** Has a bot checked again, since one of its messages got past the cause that others wait for. */
export async function noteCure({ prisma }: Pick<Gateway, 'prisma'>, enterpriseSid: string, reason: string): Promise<void> {
  await prisma.bot.updateMany({ where: { enterpriseSid, healthReason: reason }, data: { healthChecked: null } });
}

/**
 * Has a bot checked again that seemed fine, since Microsoft has refused to install its app for a cause of the bot's own; and one with a warning, since an
 * app was installed after such a cause.
 */
export async function noteInstallation({ prisma }: Pick<Gateway, 'prisma'>, enterpriseSid: string, isInstalled: boolean): Promise<void> {
  const seems = isInstalled ? { healthReason: { in: [...botWarnings] } } : { healthStatus: { in: ['HEALTHY', 'UNKNOWN'] } };
  await prisma.bot.updateMany({ where: { enterpriseSid, ...seems }, data: { healthChecked: null } });
}
