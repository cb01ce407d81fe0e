import type { Bot } from '../../../prisma/client/client.ts';
import { type BotCheck, type BotCredentials, type BotFault, botFaults } from '../../platforms/microsoft/microsoft.ts';
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
  readonly reason?: HealthReason;
  /** Microsoft's code, or the gateway's own. */
  readonly code?: string;
  readonly message?: string;
}

const WARNINGS = {
  CREDENTIAL_EXPIRES:
    'Add a new secret or certificate with `addBotSecret` or `addBotCertificate`, or give another one with `updateBot`, with its end, before the old one ends.',
  CREDENTIAL_REFUSED:
    'Remove the credential that Microsoft refuses with `removeBotCredential`, or the client secret with `updateBot` and `removeClientSecret`; another one works.',
} as const;
type Warning = keyof typeof WARNINGS;

/** Why a bot is not healthy. */
export const healthReasons = [...botFaults, ...(Object.keys(WARNINGS) as Warning[])] as const;
export type HealthReason = BotFault | Warning;

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
  /** The further credential; absent for the client secret. */
  readonly sid?: string;
  readonly what: string;
  /** Absent if it is not known. */
  readonly expires?: Date;
  readonly added: Date;
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
  const last = lastEnd(ends.filter(({ sid }) => tokens.some(({ passed, credentialSid }) => passed && credentialSid === sid)));
  if (last && last.expires.getTime() - now <= WARN_BEFORE_MS) {
    const words = `${last.what} ends on ${last.expires.toISOString().slice(0, 10)}.`;
    return { status: 'WARNING', reason: 'CREDENTIAL_EXPIRES', code: 'CREDENTIAL_EXPIRES', message: words };
  }
  const [refused] = failed.filter(({ reason }) => reason);
  if (refused) return { status: 'WARNING', reason: 'CREDENTIAL_REFUSED', code: refused.code, message: refused.message };
  return { status: 'HEALTHY' };
}

/**
 * The credential by whose end a bot stops: the last to end.
 * @returns `undefined` if none has a known end, or one without was added after it, to replace it
 */
function lastEnd(ends: readonly End[]): (End & { readonly expires: Date }) | undefined {
  const known = ends.flatMap((end) => (end.expires ? [{ ...end, expires: end.expires }] : []));
  const [last] = known.sort((one, other) => other.expires.getTime() - one.expires.getTime());
  return last && ends.some(({ expires, added }) => !expires && added > last.added) ? undefined : last;
}

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
  const credentials = credentialsOf(gateway, bot);
  const [further = []] = await listCredentials(gateway, [bot]);
  const ends = further.map(({ sid, kind, name, hint, thumbprint, dateExpires, dateCreated }): End => {
    const what = kind === 'SECRET' ? `The secret ${name ?? `••••${hint}`}` : `The certificate ${name ?? thumbprint?.slice(0, 8)}`;
    return { sid, what, expires: dateExpires ?? undefined, added: dateCreated };
  });
  if (credentials.clientSecret !== '') {
    const what = `The client secret ••••${bot.clientSecretHint}`;
    ends.push({ what, expires: bot.clientSecretExpires ?? undefined, added: bot.dateCreated });
  }
  return ends.every(({ expires }) => expires) ? ends : withEndsByGraph(gateway, credentials, ends);
}

/** Adds the ends of secrets that Graph tells, which knows them by their first three characters. */
async function withEndsByGraph({ microsoft }: Gateway, credentials: BotCredentials, ends: readonly End[]): Promise<End[]> {
  const [dates, further] = await Promise.all([microsoft.secretDates(credentials).catch(() => []), credentials.further?.load()]);
  return ends.map((end) => {
    const own = further?.find(({ sid }) => sid === end.sid);
    const secret = end.sid === undefined ? credentials.clientSecret : own?.kind === 'SECRET' ? own.secret : '';
    const found = dates.filter(({ hint }) => hint && secret.startsWith(hint)).map(({ expires }) => expires.getTime());
    return end.expires || found.length === 0 ? end : { ...end, expires: new Date(Math.max(...found)) };
  });
}

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
