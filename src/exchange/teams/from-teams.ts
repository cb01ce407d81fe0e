import { noteInstallation } from '../../domain/bots/bot-health.ts';
import { violatesForeignKey } from '../../domain/constraints.ts';
import type { Gateway } from '../../domain/gateway.ts';
import { inTransaction } from '../../domain/transaction.ts';
import { CURED_BY_ACTIVITY, releaseWaiting } from '../../domain/waiting.ts';
import type { VerifiedAudience } from '../../platforms/microsoft/bot-framework-tokens.ts';
import { type CardAction, cardActionOf, performCardAction } from './card-actions.ts';
import { forgetInstallation } from './chats/app-installation.ts';
import { rememberConversation } from './chats/conversations.ts';
import { followStranger } from './chats/strangers.ts';
import { welcomeUser } from './chats/welcome.ts';
import { CARD_TYPE } from './notices/cards.ts';
import { addNotice, noticeKey, type Place } from './notices/notices.ts';
import {
  ALREADY_ENDED,
  CHANGE_NOT_SENT,
  dropped,
  HELD_AS_WRITTEN,
  NO_NUMBER,
  NOT_IN_GROUPS,
  NOT_YOURS,
  REFUSED_CHANGE,
  UNCHANGEABLE,
} from './notices/sentences.ts';
import { type Activity, isInstallation, isPersonal, isRemoval } from './reading/activity.ts';
import { textOf } from './reading/activity-text.ts';
import { endQuestion, findHeld, isUnsent } from './texts/held-texts.ts';
import { receiveText, wasRefused } from './texts/receive-text.ts';
import { findBots, findSender, type Sender } from './texts/senders.ts';

/** The response to an activity: HTTP's status, and for an invoke what its protocol wants. */
interface ActivityAnswer {
  readonly status: number;
  readonly body?: object;
}

const TAKEN: ActivityAnswer = { status: 200 };
/** Of an invoke that the bot has no use for, a messaging extension's for instance (microsoft/botbuilder-dotnet#1039). */
const NOT_IMPLEMENTED: ActivityAnswer = { status: 501 };

/**
 * Accepts an activity that the Bot Framework has signed. A text becomes an SMS message, once per activity id, or is held until its writer has
 * said whom it is for. What the bot says of it is stored, and sent afterwards. Activities that the bot has no use for change nothing.
 * @param audience the bot's application and clouds, from the activity's token
 */
export async function receiveFromTeams(gateway: Gateway, audience: VerifiedAudience, activity: Activity): Promise<ActivityAnswer> {
  try {
    return await receive(gateway, audience, activity);
  } catch (error) {
    if (!violatesForeignKey(error, 'message_mapping_sid_fkey')) throw error;
    // The user's mapping was deleted since it was read, and nothing was stored. Teams does not send the activity again.
    return receive(gateway, audience, activity);
  }
}

async function receive(gateway: Gateway, audience: VerifiedAudience, activity: Activity): Promise<ActivityAnswer> {
  const { log } = gateway;
  const known = await findSender(gateway, audience, activity);
  const bots = known ? [] : await findBots(gateway, audience, activity);
  const [bot] = bots;
  // The tenant of a bot may have been found only now.
  const sender = known ?? (bot && (await findSender(gateway, audience, activity)));
  const enterprise = sender?.enterprise ?? bot;
  const action = cardActionOf(activity);
  if (!isPersonal(activity)) {
    if (enterprise && activity.type === 'message' && !action && textOf(activity).mentionsBot)
      await say(gateway, placeOf(enterprise, activity), activity, NOT_IN_GROUPS);
    return notPerformed(activity, action, NOT_IN_GROUPS);
  }
  if (!sender) {
    log.info({ applicationId: audience.applicationId, type: activity.type }, 'activity from a Teams user without a mapping');
    const objectId = activity.from?.aadObjectId?.toLowerCase();
    const chat = { conversationId: activity.conversation.id, serviceUrl: activity.serviceUrl };
    if (objectId) await followStranger(gateway, bots, { objectId, chat: isRemoval(activity) ? undefined : chat });
    if (enterprise && activity.type === 'message') await say(gateway, placeOf(enterprise, activity), activity, NO_NUMBER);
    return notPerformed(activity, action, NOT_YOURS);
  }
  return receiveFrom(gateway, audience, sender, activity, action);
}

async function receiveFrom(
  gateway: Gateway,
  { applicationId }: VerifiedAudience,
  sender: Sender,
  activity: Activity,
  action: CardAction | undefined,
): Promise<ActivityAnswer> {
  const { enterprise, objectId, conversation } = sender;
  const place = placeOf(enterprise, activity);
  if (isRemoval(activity)) {
    await forgetInstallation(gateway, enterprisesOf(sender), { objectId, applicationId });
  } else {
    const isKnown = conversation?.conversationId === place.conversationId && conversation.serviceUrl === place.serviceUrl;
    // The chat may be known from the bot's opening it, which does not show that the user has the app.
    if (!isKnown || sender.lacksApp || isInstallation(activity)) await rememberConversation(gateway.prisma, enterprise, objectId, place);
    // They share the application, and so the app and the chat.
    if (isInstallation(activity)) {
      for (const other of enterprisesOf(sender)) {
        if (other.enterpriseSid !== enterprise.enterpriseSid) await rememberConversation(gateway.prisma, other, objectId, place);
        await noteInstallation(gateway, other.enterpriseSid, true);
      }
    }
    for (const enterpriseSid of sender.hasHeldLanes ? sender.enterpriseSids : [])
      await releaseWaiting(gateway, { enterpriseSid, objectId, reasons: CURED_BY_ACTIVITY });
    if (isInstallation(activity)) await welcomeUser(gateway, { ...place, objectId, locale: activity.locale });
  }
  if (action) return act(gateway, sender, activity, action);
  switch (activity.type) {
    case 'message':
      await receiveText(gateway, sender, activity);
      return TAKEN;
    case 'messageUpdate':
      await say(gateway, place, activity, ...(await changed(gateway, sender, place, activity)));
      return TAKEN;
    case 'messageDelete':
      await say(gateway, place, activity, await deleted(gateway, sender, place, activity), 'changed');
      return TAKEN;
    case 'invoke':
      return NOT_IMPLEMENTED;
    default:
      return TAKEN;
  }
}

/** The enterprises of a sender's mappings, in the order of their sids. */
const enterprisesOf = ({ mappings, enterpriseSids }: Sender) =>
  [...enterpriseSids].sort().flatMap((sid) => mappings.find(({ enterpriseSid }) => enterpriseSid === sid) ?? []);

/** The answer to a button: the card that takes its place. Clients without Action.Execute show a message. */
async function act(gateway: Gateway, sender: Sender, activity: Activity, action: CardAction): Promise<ActivityAnswer> {
  const { text, card } = await performCardAction(gateway, sender, activity, action);
  if (activity.type === 'invoke') return { status: 200, body: { statusCode: 200, type: CARD_TYPE, value: card } };
  await say(gateway, placeOf(sender.enterprise, activity), activity, text);
  return TAKEN;
}

/**
 * Responds to an activity that nothing is done for.
 * @param message why, for the user who pressed the button
 */
function notPerformed({ type }: Activity, action: CardAction | undefined, message: string): ActivityAnswer {
  if (type !== 'invoke') return TAKEN;
  if (!action) return NOT_IMPLEMENTED;
  return { status: 200, body: { statusCode: 400, type: 'application/vnd.microsoft.error', value: { code: 'BadRequest', message } } };
}

/** What to say of a text that is edited, or restored after it was deleted, and by which key it is said once. */
async function changed({ prisma }: Gateway, sender: Sender, place: Place, { id, conversation }: Activity): Promise<[string, string]> {
  const held = id === undefined ? null : await findHeld(prisma, sender.enterpriseSids, conversation.id, id);
  if (held && !held.ended) return [HELD_AS_WRITTEN, 'held'];
  if (held && isUnsent(held)) return [ALREADY_ENDED, 'ended'];
  if (!held && id !== undefined && (await wasRefused(prisma, sender, place, id))) return [REFUSED_CHANGE, 'changed'];
  return [CHANGE_NOT_SENT, 'changed'];
}

/** A text that is deleted while it is held is not wanted any more. @returns what to say */
async function deleted({ prisma }: Gateway, sender: Sender, place: Place, { id, conversation }: Activity): Promise<string> {
  if (id === undefined) return UNCHANGEABLE;
  return inTransaction(prisma, async (tx) => {
    const held = await findHeld(tx, sender.enterpriseSids, conversation.id, id);
    const [text, ...behind] = held ? await endQuestion(tx, held.sid, undefined) : [];
    if (text) return dropped(behind.map(({ body }) => body));
    const isNotSent = held ? isUnsent(held) : await wasRefused(tx, sender, place, id);
    return isNotSent ? dropped([]) : UNCHANGEABLE;
  });
}

async function say(gateway: Gateway, place: Place, { id }: Activity, text: string, what = 'said'): Promise<void> {
  await addNotice(gateway.prisma, place, text, id === undefined ? undefined : noticeKey(what, place, id));
  gateway.hints.queued();
}

const placeOf = ({ organizationSid, enterpriseSid }: Sender['enterprise'], { conversation, serviceUrl }: Activity): Place => ({
  organizationSid,
  enterpriseSid,
  conversationId: conversation.id,
  serviceUrl,
});
