import type { Mapping, TeamsConversation } from '../../../prisma/client/client.ts';
import { moveBot } from '../../domain/bots/bot-clouds.ts';
import { type BotOfDelivery, credentialsOf } from '../../domain/bots/bots.ts';
import type { Gateway } from '../../domain/gateway.ts';
import { keepMappingUser } from '../../domain/mappings/mapping-users.ts';
import { CurableError, DeliveryError, NotYetError, StaleConversationError } from '../../platforms/delivery-error.ts';
import type { BotCredentials, ConversationReference } from '../../platforms/microsoft/microsoft.ts';
import type { Attempt, Delivered } from '../outbox/attempt.ts';
import type { MessageToDeliver } from '../outbox/claim-lanes.ts';
import { refusal } from '../outbox/refusals.ts';
import { installForMessage } from './chats/app-installation.ts';
import { confirmOpened, findConversation, forgetOpened, keepOpened, type Partner } from './chats/conversations.ts';
import { smsActivity } from './notices/cards.ts';
import { shownSms } from './shown-sms.ts';

/** How long a request may wait for Teams' limits while its lane keeps a place in the dispatcher, in ms. */
const MAX_WAIT_MS = 1000;

/** A message on its way to a Teams user. */
interface TeamsDelivery {
  readonly bot: BotOfDelivery;
  readonly credentials: BotCredentials;
  readonly mapping: Mapping;
  /** The user's Microsoft Entra object id. */
  readonly objectId: string;
  /** The conversation and the partner before this message; `null` before the first contact. */
  readonly known: TeamsConversation | null;
}

/**
 * Delivers a phone's message to its Teams user: bot → user → app → conversation → activity. A conversation that is gone is opened again. Teams cannot be
 * asked about an earlier attempt: if its outcome is unknown, the message is sent again and marked as possibly duplicated.
 * @throws DeliveryError if the message cannot be delivered
 * @throws PlatformError if Microsoft Graph cannot be asked for the user
 * @throws NotYetError if Microsoft's limits, or its Retry-After, do not allow it yet
 */
export async function deliverToTeams(gateway: Gateway, message: MessageToDeliver, attempt: Attempt): Promise<Delivered> {
  const mapping = attempt.requireDeliverable();
  const { bot } = message.enterprise;
  if (!bot) throw refusal('BOT_NOT_FOUND');
  const credentials = credentialsOf(gateway, bot);
  const heldBackMs = gateway.microsoft.heldBackMs(credentials);
  if (heldBackMs > 0) throw new NotYetError(heldBackMs);
  const objectId = await objectIdOf(gateway, credentials, mapping);
  const known = mapping.microsoftObjectId ? message.conversation : await findConversation(gateway.prisma, message.enterpriseSid, objectId);
  const teams = await post(gateway, message, attempt, { bot, credentials, mapping, objectId, known });
  return { report: { status: 'DELIVERED', teams }, pauseMs: gateway.microsoft.pauseMs(credentials, teams.conversationId) };
}

/** The user's object id: stored with the mapping, or looked up now if the enterprise got its bot after the mapping. */
async function objectIdOf(gateway: Gateway, credentials: BotCredentials, mapping: Mapping): Promise<string> {
  if (mapping.microsoftObjectId) return mapping.microsoftObjectId;
  const heldBackMs = gateway.microsoft.graphHeldBackMs(credentials);
  if (heldBackMs > 0) throw new NotYetError(heldBackMs);
  const user = await gateway.microsoft.findUser(credentials, mapping.microsoftAddress);
  if (!user) throw refusal('MICROSOFT_ADDRESS_INVALID', `${mapping.microsoftAddress} is not a user of the bot's tenant`);
  await keepMappingUser(gateway, mapping, credentials, user.objectId);
  return user.objectId;
}

/**
 * Posts the message. Its sender becomes the user's last partner before the user can see it, and so before an answer can come; if it is
 * surely not posted, the one before it does again.
 */
async function post(gateway: Gateway, message: MessageToDeliver, attempt: Attempt, delivery: TeamsDelivery) {
  const { prisma } = gateway;
  const { credentials, mapping, objectId } = delivery;
  const shown = shownSms(message, mapping, gateway.restcomm.maxSms.characters);
  const partner: Partner = { mappingSid: mapping.sid, number: shown.from };
  let isStarted = false;
  const beforeSend = async () => {
    if (isStarted) return;
    await attempt.markStarted({ ...partner, enterpriseSid: message.enterpriseSid, objectId });
    isStarted = true;
  };
  let openedId: string | undefined;
  const open = async (serviceUrl: string | undefined): Promise<ConversationReference> => {
    const opened = await gateway.microsoft.openConversation(credentials, { objectId, serviceUrl }, { maxWaitMs: MAX_WAIT_MS });
    await keepOpened(prisma, message, objectId, opened);
    openedId = opened.conversationId;
    if (opened.movedTo) await moveBot(gateway, delivery.bot, opened.movedTo);
    return opened;
  };
  let isInstallAsked = false;
  /** Has the app installed, once, for a user who does not have it. */
  const install = async (refused: unknown): Promise<ConversationReference> => {
    if (isInstallAsked || !isNotInstalled(refused)) throw refused;
    isInstallAsked = true;
    const { organizationSid, enterpriseSid } = message;
    const user = { organizationSid, enterpriseSid, objectId, bot: delivery.bot };
    return (await installForMessage(gateway, user, refused)) ?? (await open(undefined));
  };
  /** Opens the conversation with the user, whose app may have to be installed before. */
  const openOrInstall = (serviceUrl: string | null | undefined) => open(serviceUrl ?? undefined).catch(install);
  const send = async (conversation: ConversationReference) => {
    const options = { maxWaitMs: MAX_WAIT_MS, beforeSend };
    const { activityId } = await gateway.microsoft.sendActivity(credentials, conversation, smsActivity(shown), options);
    // It is posted, whatever becomes of this.
    if (openedId !== undefined)
      await confirmOpened(prisma, message, objectId, openedId).catch((err) =>
        gateway.log.warn({ err }, 'cannot store that a user has the app'),
      );
    return { conversationId: conversation.conversationId, activityId };
  };
  /** Posts to a conversation that was just opened: the connector opens some for users without the app, and refuses the post. */
  const sendNew = (conversation: ConversationReference) => send(conversation).catch(async (error) => send(await install(error)));
  const stored = storedConversation(delivery.known);
  try {
    const conversation = stored ?? (await openOrInstall(delivery.known?.serviceUrl));
    try {
      return await (stored ? send(stored) : sendNew(conversation));
    } catch (error) {
      if (stored && isNotAllowed(error)) return await sendNew(await openOrInstall(undefined));
      const moved = error instanceof StaleConversationError ? error.serviceUrl : undefined;
      // Of a new conversation, only the connector may be another one: Graph, which names chats, does not know connectors.
      const isGone = stored && (error instanceof StaleConversationError || isNotInstalled(error));
      if (!moved && !isGone) throw error;
      return await sendNew(await openOrInstall(moved ?? conversation.serviceUrl));
    }
  } catch (error) {
    // Whatever becomes of this, the message is refused for what Teams says.
    if (openedId !== undefined && isNotInstalled(error))
      await forgetOpened(prisma, message, objectId, openedId).catch((err) =>
        gateway.log.warn({ err }, 'cannot forget the chat of a user who does not have the app'),
      );
    if (isStarted && !attempt.unknownSince && isNotPosted(error)) await forgetPartner(gateway, message, delivery, partner);
    throw error instanceof StaleConversationError ? error.otherwise : error;
  }
}

function storedConversation(known: TeamsConversation | null): ConversationReference | undefined {
  return known?.conversationId && known.serviceUrl ? { conversationId: known.conversationId, serviceUrl: known.serviceUrl } : undefined;
}

/** Whether the stored conversation is at a connector that the operator no longer allows. */
const isNotAllowed = (error: unknown) => error instanceof DeliveryError && error.code === 'ServiceUrlNotAllowed';

/** Whether the user does not have the app. Teams reports no removal if the app was deleted from the catalog (botbuilder-js#4443). */
const isNotInstalled = (error: unknown): error is CurableError => error instanceof CurableError && error.reason === 'APP_NOT_INSTALLED';

const isNotPosted = (error: unknown) => error instanceof NotYetError || (error instanceof DeliveryError && error.outcome !== 'unknown');

/** Makes the partner before this message the last one again, unless there is another by now, or the user has written to this one. */
async function forgetPartner(
  { prisma }: Gateway,
  { enterpriseSid }: MessageToDeliver,
  { objectId, known }: TeamsDelivery,
  partner: Partner,
): Promise<void> {
  const isOther = known?.partnerChanged || (known?.lastNumber != null && known.lastNumber !== partner.number);
  await prisma.teamsConversation.updateMany({
    where: { enterpriseSid, objectId, lastMappingSid: partner.mappingSid, lastNumber: partner.number, partnerChanged: isOther },
    data: {
      lastMappingSid: known?.lastMappingSid ?? null,
      lastNumber: known?.lastNumber ?? null,
      partnerChanged: known?.partnerChanged ?? false,
      partnerDate: known?.partnerDate ?? null,
    },
  });
}
