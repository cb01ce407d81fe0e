import type { Bot, Mapping } from '../../prisma/client/client.ts';
import { credentialsOf } from '../domain/enterprises/bots.ts';
import type { Gateway } from '../domain/gateway.ts';
import { acceptMessageIn } from '../domain/messages/message-log.ts';
import { fromMapping } from '../domain/messages/send-message.ts';
import { smsExcess } from '../domain/messages/sms-encoding.ts';
import { comparedForm } from '../domain/phone-numbers.ts';
import { isPhoneNumber } from '../domain/text.ts';
import { inTransaction } from '../domain/transaction.ts';
import { CURED_BY_ACTIVITY, releaseWaiting } from '../domain/waiting.ts';
import type { Activity } from './activity.ts';
import { findConversation, rememberConversation, rememberPartner } from './conversations.ts';
import { parseText } from './teams-text.ts';

/** The Teams user who wrote an activity. */
interface Sender {
  readonly bot: Bot;
  /** The user's Microsoft Entra object id. */
  readonly objectId: string;
  /** The user's mappings in the bot's enterprise, oldest first. */
  readonly mappings: Mapping[];
}

const HELP = 'Write "+<number> <text>" to send an SMS. A text without a number goes to the number you last exchanged messages with.';

/**
 * Accepts an activity that the Bot Framework has signed. A text becomes an SMS message, once per activity id; a text that cannot become one
 * gets a short reply.
 * @param applicationId the bot's application, from the activity's token
 */
export async function receiveFromTeams(gateway: Gateway, applicationId: string, activity: Activity): Promise<void> {
  const { prisma, log } = gateway;
  const sender = await findSender(gateway, applicationId, activity);
  if (!sender) {
    log.info({ applicationId, type: activity.type }, 'activity from a Teams user without a mapping');
    if (activity.type === 'message') await replyToUnmapped(gateway, applicationId, activity);
    return;
  }
  const { bot, objectId } = sender;
  const conversation = { conversationId: activity.conversation.id, serviceUrl: activity.serviceUrl };
  if (isPersonal(activity)) {
    await rememberConversation(prisma, bot, objectId, conversation);
    await releaseWaiting(gateway, { enterpriseSid: bot.enterpriseSid, objectId, reasons: CURED_BY_ACTIVITY });
  }
  if (activity.type === 'message') await receiveText(gateway, sender, activity);
}

async function receiveText(gateway: Gateway, sender: Sender, activity: Activity): Promise<void> {
  const { prisma, hints } = gateway;
  const { bot, objectId, mappings } = sender;
  const respond = (reply: string) => replyTo(gateway, bot, activity, reply);
  const { own, target, body } = parseText(activity.text ?? '');
  const last = await findConversation(prisma, bot.enterpriseSid, objectId);
  const mapping = own
    ? mappings.find((candidate) => candidate.externalDigits === comparedForm(own))
    : (mappings.find((candidate) => candidate.sid === last?.lastMappingSid) ?? mappings[0]);
  if (!mapping) return respond(`${own} is not one of your numbers.`);
  const to = target ?? last?.lastNumber ?? undefined;
  if (!to || body === '') return respond(HELP);
  if (!isPhoneNumber(to)) return respond(`${to} is not a phone number. ${HELP}`);
  const excess = smsExcess(body, gateway.restcomm.maxSms);
  if (excess) return respond(`Your text ${excess.message}. Nothing was sent.`);
  const enterprise = await prisma.enterprise.findUniqueOrThrow({ where: { sid: bot.enterpriseSid } });
  const message = fromMapping(mapping, mapping.accountSid, to, body);
  const teams = activity.id === undefined ? undefined : { conversationId: activity.conversation.id, activityId: activity.id };
  try {
    // In one transaction, or the next text without a number could go to another number. The event comes last (docs/adr/0006).
    await inTransaction(prisma, async (tx) => {
      await rememberPartner(tx, bot, objectId, { mappingSid: mapping.sid, number: to });
      if (!(await acceptMessageIn(tx, { ...message, teams }))) throw new DuplicateActivity();
    });
  } catch (error) {
    if (error instanceof DuplicateActivity) return;
    throw error;
  }
  hints.queued();
  hints.appended(mapping.organizationSid);
  if (enterprise.status !== 'ACTIVE')
    await respond(
      enterprise.status === 'CLOSED'
        ? `Your message cannot be sent: ${enterprise.name} is CLOSED.`
        : `Your message waits until ${enterprise.name} is ACTIVE again.`,
    );
}

/** The activity was accepted before. Rolls back, so that the user's last partner stays the later one. */
class DuplicateActivity extends Error {}

/**
 * Finds the sender by application, tenant and object id. One application may serve several enterprises, even of several organizations; among
 * these, the one whose number the text names wins, then the one that the user last exchanged messages with. Object ids are resolved with
 * each enterprise's own client secret, so no enterprise can claim another's users.
 * @returns `undefined` if the user has no mapping
 */
async function findSender({ prisma }: Gateway, applicationId: string, activity: Activity): Promise<Sender | undefined> {
  const tenantId = activity.conversation.tenantId ?? activity.channelData?.tenant?.id;
  const objectId = activity.from.aadObjectId?.toLowerCase();
  if (!tenantId || !objectId) return undefined;
  const bots = await prisma.bot.findMany({ where: { applicationId, tenantId }, orderBy: [{ dateCreated: 'asc' }, { sid: 'asc' }] });
  const mappings = await prisma.mapping.findMany({
    where: { microsoftObjectId: objectId, enterpriseSid: { in: bots.map((bot) => bot.enterpriseSid) } },
    orderBy: [{ dateCreated: 'asc' }, { sid: 'asc' }],
  });
  if (mappings.length === 0) return undefined;
  const conversations = await prisma.teamsConversation.findMany({
    where: { objectId, enterpriseSid: { in: mappings.map((mapping) => mapping.enterpriseSid) } },
    orderBy: { dateUpdated: 'desc' },
  });
  const { own } = parseText(activity.text ?? '');
  const named = own === undefined ? undefined : mappings.find((mapping) => mapping.externalDigits === comparedForm(own));
  const enterpriseSid = named?.enterpriseSid ?? conversations[0]?.enterpriseSid ?? mappings[0]?.enterpriseSid;
  const bot = bots.find((candidate) => candidate.enterpriseSid === enterpriseSid);
  return bot && { bot, objectId, mappings: mappings.filter((mapping) => mapping.enterpriseSid === enterpriseSid) };
}

async function replyToUnmapped(gateway: Gateway, applicationId: string, activity: Activity): Promise<void> {
  const tenantId = activity.conversation.tenantId ?? activity.channelData?.tenant?.id;
  const bot = tenantId && (await gateway.prisma.bot.findFirst({ where: { applicationId, tenantId }, orderBy: { dateCreated: 'asc' } }));
  if (bot) await replyTo(gateway, bot, activity, 'You have no SMS number yet. Ask your administrator for one.');
}

/** Sends a reply that is not a message, once: a failure is only logged. */
async function replyTo(gateway: Gateway, bot: Bot, activity: Activity, reply: string): Promise<void> {
  const conversation = { conversationId: activity.conversation.id, serviceUrl: activity.serviceUrl };
  await gateway.microsoft
    .sendActivity(credentialsOf(gateway, bot), conversation, reply)
    .catch((error) => gateway.log.warn({ err: error }, 'cannot send a reply to a Teams user'));
}

/** Whether the conversation is between the user and the bot alone, so that messages may be delivered there. */
const isPersonal = (activity: Activity) => (activity.conversation.conversationType ?? 'personal') === 'personal';
