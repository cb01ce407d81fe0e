import type { Bot } from '../../../prisma/client/client.ts';
import { type BotCheck, type BotFault, botFaults } from '../../platforms/microsoft/microsoft.ts';
import { MAY_BE_TOO_NEW } from '../../platforms/microsoft/outcomes.ts';
import type { Gateway } from '../gateway.ts';
import { HOLDS } from '../waiting.ts';
import { moveBot } from './bot-clouds.ts';
import { listCredentials } from './bot-credentials.ts';
import { credentialsOf } from './bots.ts';

/**
 * How a bot is.
 * - `UNKNOWN`: not checked yet, or Microsoft did not respond
 * - `HEALTHY`: Microsoft takes its credentials
 * - `WARNING`: it works, but will stop unless somebody does something
 * - `UNHEALTHY`: its messages wait
 */
export const healthStatuses = ['UNKNOWN', 'HEALTHY', 'WARNING', 'UNHEALTHY'] as const;
export type HealthStatus = (typeof healthStatuses)[number];

/** What is the matter with a bot, and what cures it. */
interface HealthVerdict {
  readonly status: HealthStatus;
  readonly reason?: BotFault | Warning;
  /** Microsoft's code, or the gateway's own. */
  readonly code?: string;
  readonly message?: string;
}

const WARNINGS = {
  CREDENTIAL_EXPIRES:
    'Add a new secret or certificate with `addBotSecret` or `addBotCertificate`, or give another one with `updateBot`, before the old one ends.',
  CREDENTIAL_REFUSED: 'Remove the credential that Microsoft refuses with `removeBotCredential`, or replace it; another one works.',
} as const;
type Warning = keyof typeof WARNINGS;

/** What cures a bot's trouble. @returns `null` if nothing is the matter */
export function cureOf(reason: string | null): string | null {
  if (reason === null) return null;
  const fault = botFaults.find((known) => known === reason);
  return fault ? HOLDS[fault].cure : (WARNINGS[reason as Warning] ?? null);
}

/** How long before a credential ends its bot's health warns, in ms. */
const WARN_BEFORE_MS = 30 * 24 * 60 * 60_000;
/** How often a bot is checked, in ms. */
const CHECK_EVERY_MS = 24 * 60 * 60_000;
/** When a bot is checked again that Microsoft did not answer for, in ms. It may not know new credentials before that. */
const RETRY_AFTER_MS = 10 * 60_000;
/** How many bots a run of the job checks. */
const BATCH = 20;

/** When one of a bot's credentials ends. */
interface End {
  readonly what: string;
  readonly expires: Date;
}

/**
 * Judges a bot by its checks and the ends of its credentials.
 * @param isNew whether Microsoft may not know its credentials yet
 * @returns `undefined` if the checks do not tell: Microsoft did not respond
 */
function judge(checks: readonly BotCheck[], ends: readonly End[], isNew: boolean, now = Date.now()): HealthVerdict | undefined {
  const tokens = checks.filter(({ step }) => step === 'TOKEN');
  // What the others find keeps no message waiting.
  const failed = checks.filter(({ step, passed }) => !passed && ['TOKEN', 'GRAPH', 'CONNECTOR'].includes(step));
  const works = tokens.some(({ passed }) => passed);
  const grave = failed.filter(({ step, reason }) => reason && (step !== 'TOKEN' || !works));
  const [first] = grave;
  if (first && isNew && MAY_BE_TOO_NEW.has(first.code ?? '')) return undefined;
  if (first) return { status: 'UNHEALTHY', reason: first.reason, code: first.code, message: first.message };
  if (failed.some(({ step, reason }) => !reason && (step !== 'TOKEN' || !works))) return undefined;
  const [refused] = failed.filter(({ reason }) => reason);
  if (refused) return { status: 'WARNING', reason: 'CREDENTIAL_REFUSED', code: refused.code, message: refused.message };
  const [next] = [...ends].sort((one, other) => one.expires.getTime() - other.expires.getTime());
  if (!next || next.expires.getTime() - now > WARN_BEFORE_MS) return { status: 'HEALTHY' };
  const words = `${next.what} ends on ${next.expires.toISOString().slice(0, 10)}.`;
  return { status: 'WARNING', reason: 'CREDENTIAL_EXPIRES', code: 'CREDENTIAL_EXPIRES', message: words };
}

/** Checks the bots that are new, were changed, or were not checked for a day. @returns how many */
export async function checkBots(gateway: Gateway, signal?: AbortSignal): Promise<number> {
  const due = await gateway.prisma.bot.findMany({
    where: { OR: [{ healthChecked: null }, { healthChecked: { lt: new Date(Date.now() - CHECK_EVERY_MS) } }] },
    orderBy: { healthChecked: { sort: 'asc', nulls: 'first' } },
    take: BATCH,
  });
  let checked = 0;
  for (const bot of due) {
    if (signal?.aborted) break;
    try {
      await checkHealth(gateway, bot);
    } catch (error) {
      gateway.log.warn({ err: error, botSid: bot.sid }, "cannot check a bot's health");
      await gateway.prisma.bot.updateMany({
        where: { sid: bot.sid, organizationSid: bot.organizationSid },
        data: { healthChecked: new Date() },
      });
    }
    checked += 1;
  }
  return checked;
}

async function checkHealth(gateway: Gateway, bot: Bot): Promise<void> {
  const checks = await gateway.microsoft.verifyBot(credentialsOf(gateway, bot));
  const movedTo = checks.find((check) => check.movedTo)?.movedTo;
  if (movedTo) await moveBot(gateway, bot, movedTo);
  await storeHealth(gateway, bot, await verdictOf(gateway, bot, checks));
}

/** Judges a bot by its checks, now. */
export const verdictOf = async (gateway: Gateway, bot: Bot, checks: readonly BotCheck[]): Promise<HealthVerdict | undefined> =>
  judge(checks, await endsOf(gateway, bot), Date.now() - bot.dateUpdated.getTime() < RETRY_AFTER_MS);

/** When the credentials of a bot end, as far as that is known: by certificates, inputs and Graph. */
async function endsOf(gateway: Gateway, bot: Bot): Promise<End[]> {
  const credentials = await listCredentials(gateway, bot);
  const known = credentials.flatMap(({ kind, name, hint, thumbprint, dateExpires }) => {
    const what = kind === 'SECRET' ? `The secret ${name ?? `••••${hint}`}` : `The certificate ${name ?? thumbprint?.slice(0, 8)}`;
    return dateExpires ? [{ what, expires: dateExpires }] : [];
  });
  const main = bot.clientSecretExpires ?? (await endByGraph(gateway, bot));
  return [...known, ...(main ? [{ what: `The client secret ••••${bot.clientSecretHint}`, expires: main }] : [])];
}

/** When the client secret ends, by Graph, which knows secrets by their first three characters. */
async function endByGraph(gateway: Gateway, bot: Bot): Promise<Date | undefined> {
  const credentials = credentialsOf(gateway, bot);
  if (!credentials.clientSecret) return undefined;
  const dates = await gateway.microsoft.secretDates(credentials).catch(() => []);
  const own = dates.filter(({ hint }) => hint !== undefined && credentials.clientSecret.startsWith(hint));
  return own.map(({ expires }) => expires).sort((one, other) => other.getTime() - one.getTime())[0];
}

/**
 * Stores how a bot is. `healthSince` changes only if something else is the matter.
 * @param verdict `undefined` if it is not known: what was known stays
 */
export async function storeHealth({ prisma, log }: Gateway, bot: Bot, verdict: HealthVerdict | undefined): Promise<void> {
  const { sid, organizationSid, enterpriseSid } = bot;
  const now = new Date();
  if (!verdict) {
    const healthChecked = new Date(now.getTime() - CHECK_EVERY_MS + RETRY_AFTER_MS);
    await prisma.bot.updateMany({ where: { organizationSid, sid }, data: { healthChecked } });
    return;
  }
  const { status, reason = null, code = null, message = null } = verdict;
  const isNews = status !== bot.healthStatus || reason !== bot.healthReason || code !== bot.healthCode;
  const data = { healthStatus: status, healthReason: reason, healthCode: code, healthMessage: message, unhealthy: isTrouble(status) };
  // A bot that was changed meanwhile is checked again.
  const where = { organizationSid, sid, dateUpdated: bot.dateUpdated };
  await prisma.bot.updateMany({ where, data: { ...data, healthChecked: now, ...(isNews && { healthSince: now }) } });
  if (isNews)
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
