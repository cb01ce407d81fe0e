import type { LRUCache } from 'lru-cache';
import type { TeamsInstallation } from '../../../../prisma/client/client.ts';
import { noteInstallation } from '../../../domain/bots/bot-health.ts';
import { credentialsOf } from '../../../domain/bots/bots.ts';
import { isRefusedToAll } from '../../../domain/bots/teams-installations.ts';
import { PlatformError } from '../../../domain/errors.ts';
import type { Gateway } from '../../../domain/gateway.ts';
import { inTransaction } from '../../../domain/transaction.ts';
import { releaseWaiting } from '../../../domain/waiting.ts';
import { CurableError, DeliveryError, NotYetError } from '../../../platforms/delivery-error.ts';
import { APP_GONE, APP_OR_USER_UNKNOWN, FORBIDDEN, NO_PERMISSION, UNSUPPORTED } from '../../../platforms/microsoft/app-installations.ts';
import { SERVICE_URL_UNKNOWN } from '../../../platforms/microsoft/bot-connector.ts';
import type { AppInstallation, ConversationReference } from '../../../platforms/microsoft/microsoft.ts';
import type { MessageToDeliver } from '../../outbox/claim-lanes.ts';
import { forgetConversation, keepOpened } from './conversations.ts';
import { welcomeUser } from './welcome.ts';

/** A Teams user of an enterprise, and the enterprise's bot. */
interface User extends Pick<TeamsInstallation, 'organizationSid' | 'enterpriseSid' | 'objectId'> {
  readonly bot: NonNullable<MessageToDeliver['enterprise']['bot']>;
}

/**
 * Has the bot's app installed for a user by Microsoft.
 * @returns whether the user had it before, and the bot's chat with the user, if it is known
 * @throws PlatformError if Microsoft refuses or does not respond; its `cause` is a DeliveryError
 */
async function install(gateway: Gateway, user: User): Promise<AppInstallation> {
  const { prisma } = gateway;
  const { organizationSid, enterpriseSid, objectId, bot } = user;
  const { wasInstalled, conversation } = await gateway.microsoft.installApp(credentialsOf(gateway, bot), {
    objectId,
    botAppId: bot.botAppId,
  });
  const installed = { ...INSTALLED, dateUpdated: new Date() };
  await prisma.teamsInstallation.upsert({
    where: { enterpriseSid_objectId: { enterpriseSid, objectId } },
    create: { organizationSid, enterpriseSid, objectId, ...installed },
    update: installed,
  });
  const known = await prisma.teamsConversation.findUnique({ where: { enterpriseSid_objectId: { enterpriseSid, objectId } } });
  const isAcquainted = Boolean(known?.conversationId || known?.partnerDate);
  // Teams' own id of the chat, which activities have, may differ from Graph's.
  if (conversation && !known?.conversationId) await keepOpened(prisma, user, objectId, conversation);
  // Microsoft tells the bot of an installation, but not of one that was there before the user had a number. Who has used the chat is not new to it.
  if (wasInstalled && conversation && !isAcquainted) await welcomeUser(gateway, { ...user, ...conversation });
  return { wasInstalled, conversation };
}

/** The columns of an installed app. */
const INSTALLED = { installed: true, removed: false, due: null, errorCode: null, errorMessage: null };

/** Has the messages delivered that wait for a user's app. */
const releaseUser = (gateway: Gateway, { enterpriseSid, objectId }: Pick<User, 'enterpriseSid' | 'objectId'>) =>
  releaseWaiting(gateway, { enterpriseSid, objectId, reasons: ['APP_NOT_INSTALLED'] });

/**
 * Installs the app for the user of a message that could not be delivered without it, unless somebody has removed it.
 * @param refused why it could not
 * @returns the chat to post the message in; `undefined` if it has to be opened
 * @throws CurableError with what Microsoft says of either; DeliveryError `retry`; NotYetError while Graph asks the bot to wait
 */
export async function installForMessage(gateway: Gateway, user: User, refused: CurableError): Promise<ConversationReference | undefined> {
  const { enterpriseSid, objectId } = user;
  const before = await gateway.prisma.teamsInstallation.findUnique({ where: { enterpriseSid_objectId: { enterpriseSid, objectId } } });
  if (before?.removed) throw refused;
  const heldBackMs = gateway.microsoft.graphHeldBackMs(credentialsOf(gateway, user.bot));
  if (heldBackMs > 0) throw new NotYetError(heldBackMs);
  try {
    const { wasInstalled, conversation } = await install(gateway, user);
    // An app that was there is no cure: the message was refused in spite of it, and would release itself over and over.
    if (!wasInstalled) await releaseUser(gateway, user);
    await noteSuccess(gateway, enterpriseSid, before?.errorCode ?? null);
    return conversation;
  } catch (error) {
    if (!(error instanceof PlatformError) || !(error.cause instanceof DeliveryError)) throw error;
    const { cause } = error;
    // Whatever chat is known, Teams has just refused the user's, if it could be asked.
    await keepError(gateway, { ...user, installed: refused.code === SERVICE_URL_UNKNOWN ? null : false }, cause);
    if (concernsHealth(cause, before?.errorCode)) await noteInstallation(gateway, enterpriseSid, false);
    if (!(cause instanceof CurableError)) throw cause;
    throw new CurableError(refused.reason, refused.code, `${refused.message} ${cause.message}`, cause.retryAfterMs, { cause });
  }
}

/**
 * Forgets the chat of a user who no longer has the app, so that it is not written to. The app is installed again by people only: somebody wanted it gone.
 * @param enterprises all that share the app, in the order of their sids, against deadlocks
 * @param app.applicationId whose app it was
 */
export async function forgetInstallation(
  gateway: Gateway,
  enterprises: readonly Omit<User, 'bot' | 'objectId'>[],
  { objectId, applicationId }: { readonly objectId: string; readonly applicationId: string },
): Promise<void> {
  const removed = {
    ...{ installed: false, removed: true, applicationId: applicationId.toLowerCase(), due: null },
    ...{ errorCode: 'Removed', errorMessage: REMOVED, dateUpdated: new Date() },
  };
  await inTransaction(gateway.prisma, async (tx) => {
    for (const { organizationSid, enterpriseSid } of enterprises) {
      await tx.teamsInstallation.upsert({
        where: { enterpriseSid_objectId: { enterpriseSid, objectId } },
        create: { organizationSid, enterpriseSid, objectId, ...removed },
        update: removed,
      });
      await forgetConversation(tx, { organizationSid, enterpriseSid }, objectId);
    }
  });
}

const REMOVED = "The bot's app was removed for the user in Teams.";

/** Refusals that concern the bot, so that Microsoft would refuse its other users, too. Those with a reason of their own do, except of an unknown user. */
const OF_THE_BOT: ReadonlySet<string> = new Set([NO_PERMISSION, 'AppNotInCatalog', 'BotAppIdInvalid']);
const isOfTheBot = (cause: DeliveryError) =>
  OF_THE_BOT.has(cause.code) || (cause instanceof CurableError && cause.reason !== 'USER_UNKNOWN' && cause.reason !== 'APP_NOT_INSTALLED');
/** Refusals that may concern the bot, or only the user. */
const MAYBE_OF_THE_BOT: ReadonlySet<string> = new Set([FORBIDDEN, APP_OR_USER_UNKNOWN, UNSUPPORTED, APP_GONE]);
/** Whether the bot's health may have changed with this refusal. @param before the code of the user's refusal before */
const concernsHealth = (cause: DeliveryError, before: string | null | undefined) =>
  isOfTheBot(cause) || (MAYBE_OF_THE_BOT.has(cause.code) && before !== cause.code);

const HOUR_MS = 60 * 60_000;
const FIRST_PAUSE_MS = 60_000;
/** The pause if Graph says itself how long to wait. It doubles as well, but begins here. */
const FIRST_ASKED_PAUSE_MS = 1000;

/** When to try again, in ms: as Graph asks, or less and less often. At most an hour. */
function pauseMs(attempts: number, { retryAfterMs }: DeliveryError): number {
  const ownMs = (retryAfterMs === undefined ? FIRST_PAUSE_MS : FIRST_ASKED_PAUSE_MS) * 2 ** attempts;
  return Math.min(Math.max(ownMs, retryAfterMs ?? 0), HOUR_MS);
}

/** A user whose app could not be installed, and whether they have it all the same: `null` if that is unknown. */
type Refused = Omit<User, 'bot'> & Pick<TeamsInstallation, 'installed'>;

/**
 * Keeps an installation from being asked for again that Microsoft does not offer: Teams tells when people have made it. Whether it is there is unknown until
 * then, unless the chat is known. A chat that Teams refuses posts to does not show it.
 */
async function leaveToPeople(gateway: Gateway, user: Refused, cause: DeliveryError): Promise<void> {
  const { prisma } = gateway;
  const { organizationSid, enterpriseSid, objectId, installed } = user;
  const where = { enterpriseSid_objectId: { enterpriseSid, objectId } };
  const known = installed === false ? null : await prisma.teamsConversation.findUnique({ where });
  const { conversationId, serviceUrl } = known ?? {};
  const error = { errorCode: cause.code, errorMessage: cause.message, due: null, ...(installed === false && { installed }) };
  const data = { ...(conversationId ? INSTALLED : error), dateUpdated: new Date() };
  await prisma.teamsInstallation.upsert({ where, create: { organizationSid, enterpriseSid, objectId, ...data }, update: data });
  // Who had the app before a number learns of it now.
  if (conversationId && serviceUrl && !known?.partnerDate) await welcomeUser(gateway, { ...user, conversationId, serviceUrl });
}

/**
 * Stores why the app is not installed, and when that is tried again: for all users of a bot whose fault it is. Where it may be the users', those whom
 * Microsoft was not asked for are only put off.
 * @param isRecalled whether Microsoft was not asked, since it has refused another user lately: it may take this one by now, and the others
 */
async function keepError(gateway: Gateway, user: Refused, cause: DeliveryError, isRecalled = false): Promise<void> {
  if (cause.code === UNSUPPORTED) return leaveToPeople(gateway, user, cause);
  const { prisma } = gateway;
  const { organizationSid, enterpriseSid, objectId } = user;
  const inMs = (ms: number) => new Date(Date.now() + ms);
  const error = { errorCode: cause.code, errorMessage: cause.message, dateUpdated: new Date() };
  const installed = cause instanceof CurableError ? { installed: false } : {};
  const row = await prisma.teamsInstallation.upsert({
    where: { enterpriseSid_objectId: { enterpriseSid, objectId } },
    create: { organizationSid, enterpriseSid, objectId, ...error, ...installed, due: inMs(HOUR_MS) },
    update: { ...error, ...installed },
  });
  const isOfAll =
    isOfTheBot(cause) || (cause.code === APP_OR_USER_UNKNOWN && (await isRefusedToAll(gateway, enterpriseSid, APP_OR_USER_UNKNOWN)));
  // Those that were put off shortly before stay as they are: an import asks for thousands, one by one.
  const whose = isOfAll && !isRecalled ? { enterpriseSid, due: { lt: inMs(HOUR_MS / 2) } } : { enterpriseSid, objectId };
  await prisma.teamsInstallation.updateMany({
    where: { ...whose, removed: false },
    data: isOfAll
      ? { ...(isOfTheBot(cause) && error), due: inMs(HOUR_MS) }
      : { due: inMs(pauseMs(row.attempts, cause)), attempts: { increment: 1 } },
  });
}

/**
 * Tries at once for the others what was put off, since the app was installed for a user: the error of that user is over, and Graph knows the app, so that
 * it was other users whom it did not know.
 * @param errorCode why the user did not have the app before; `null` if that is unknown
 */
async function noteSuccess(gateway: Gateway, enterpriseSid: string, errorCode: string | null): Promise<void> {
  const { count } = await gateway.prisma.teamsInstallation.updateMany({
    where: {
      ...{ enterpriseSid, removed: false, due: { gt: new Date(Date.now() + FIRST_PAUSE_MS) } },
      OR: [{ errorCode: null }, { errorCode: { in: errorCode === null ? [APP_OR_USER_UNKNOWN] : [APP_OR_USER_UNKNOWN, errorCode] } }],
    },
    data: { due: new Date() },
  });
  if (count > 0) gateway.hints.installable?.();
  if (errorCode !== null || count > 0) await noteInstallation(gateway, enterpriseSid, true);
}

/**
 * Does an installation that is due. A failure is stored, and tried again: after a minute, then less and less often, up to once an hour.
 * @param row claimed
 * @param refused what Microsoft has refused bots lately, for all of their users, so that it is not asked for each of them
 */
export async function workOnInstallation(
  gateway: Gateway,
  row: TeamsInstallation,
  refused: LRUCache<string, DeliveryError>,
): Promise<void> {
  const { prisma, log } = gateway;
  const { enterpriseSid, objectId, errorCode } = row;
  const where = { enterpriseSid, objectId };
  const [bot, mapping] = await Promise.all([
    prisma.bot.findUnique({ where: { enterpriseSid } }),
    prisma.mapping.findFirst({ where: { enterpriseSid, microsoftObjectId: objectId }, select: { sid: true } }),
  ]);
  // Its bot, or its last mapping, is gone. A new one asks for it again.
  if (!bot || !mapping) {
    await prisma.teamsInstallation.deleteMany({ where });
    return;
  }
  const key = `${bot.sid} ${bot.dateUpdated.getTime()}`;
  // One that is tried again at once, since something may have cured the bot: what it was refused before no longer counts.
  if (errorCode !== null && row.attempts === 0) refused.delete(key);
  const known = refused.get(key);
  if (known) return keepError(gateway, row, known, true);
  try {
    const heldBackMs = gateway.microsoft.graphHeldBackMs(credentialsOf(gateway, bot));
    if (heldBackMs > 0) {
      await prisma.teamsInstallation.updateMany({ where, data: { due: new Date(Date.now() + heldBackMs) } });
      return;
    }
    await install(gateway, { ...row, bot });
    refused.delete(key);
    await releaseUser(gateway, row);
    await noteSuccess(gateway, enterpriseSid, errorCode);
  } catch (error) {
    const given = error instanceof PlatformError ? error.cause : error;
    const cause =
      given instanceof DeliveryError ? given : new DeliveryError('retry', 'INTERNAL', 'Internal error while installing the app');
    await keepError(gateway, row, cause);
    if (isOfTheBot(cause)) refused.set(key, cause);
    if (concernsHealth(cause, errorCode)) await noteInstallation(gateway, enterpriseSid, false);
    // It may no longer be that the bot has to look its app up.
    if (errorCode === APP_OR_USER_UNKNOWN && cause.code !== errorCode) await noteInstallation(gateway, enterpriseSid, true);
    const line = { enterpriseSid, code: cause.code, ...(cause !== given && { err: error }) };
    if (cause.code !== errorCode && cause.code !== UNSUPPORTED)
      log.warn(line, "cannot install a bot's app for a Teams user; trying again later");
  }
}
