import type { Bot, Mapping } from '../../prisma/client/client.ts';
import { credentialsOf } from '../domain/enterprises/bots.ts';
import type { Gateway } from '../domain/gateway.ts';
import { acceptMessageIn } from '../domain/messages/message-log.ts';
import { fromMapping, MAX_SMS_LENGTH } from '../domain/messages/send-message.ts';
import { isPhoneNumber } from '../domain/text.ts';
import { inTransaction } from '../domain/transaction.ts';
import type { Activity } from './activity.ts';
import { conversationWith, rememberConversation, rememberPartner } from './conversations.ts';
import { parseText } from './teams-text.ts';

/** A Teams user who wrote: their bot, and the mappings that are theirs. */
interface Sender {
  readonly bot: Bot;
  readonly objectId: string;
  readonly mappings: Mapping[];
}

const HELP = 'Write "+<number> <text>" to send an SMS. A text without a number answers whom you last exchanged messages with.';

/**
 * Takes an activity that is proven to be Microsoft's, for the application `applicationId`. A text becomes a message to a number, once by the activity's
 * id; what can't become one gets a short reply.
 */
export async function receiveFromTeams(gateway: Gateway, applicationId: string, activity: Activity): Promise<void> {
  const { prisma, log } = gateway;
  const sender = await findSender(gateway, applicationId, activity);
  if (!sender) {
    log.info({ applicationId, type: activity.type }, 'an activity of a Teams user without a mapping');
    if (activity.type === 'message') await replyToStranger(gateway, applicationId, activity);
    return;
  }
  const { bot, objectId } = sender;
  const conversation = { conversationId: activity.conversation.id, serviceUrl: activity.serviceUrl };
  if (isPersonal(activity)) await rememberConversation(prisma, bot, objectId, conversation);
  if (activity.type === 'message') await receiveText(gateway, sender, activity);
}

async function receiveText(gateway: Gateway, sender: Sender, activity: Activity): Promise<void> {
  const { prisma, hints } = gateway;
  const { bot, objectId, mappings } = sender;
  const say = (reply: string) => replyIn(gateway, bot, activity, reply);
  const { own, target, body } = parseText(activity.text ?? '');
  const last = await conversationWith(prisma, bot.enterpriseSid, objectId);
  const mapping = own
    ? mappings.find((candidate) => candidate.externalDigits === own.replace('+', ''))
    : (mappings.find((candidate) => candidate.sid === last?.lastMappingSid) ?? mappings[0]);
  if (!mapping) return say(`${own} is not one of your numbers.`);
  const to = target ?? last?.lastNumber ?? undefined;
  if (!to || body === '') return say(HELP);
  if (!isPhoneNumber(to)) return say(`${to} is not a phone number. ${HELP}`);
  if (body.length > MAX_SMS_LENGTH) return say(`An SMS has at most ${MAX_SMS_LENGTH} characters; yours has ${body.length}.`);
  const enterprise = await prisma.enterprise.findUniqueOrThrow({ where: { sid: bot.enterpriseSid } });
  const message = fromMapping(mapping, mapping.accountSid, to, body);
  const teams = activity.id === undefined ? undefined : { conversationId: activity.conversation.id, activityId: activity.id };
  try {
    // Together, or the next text without a number went to somebody else. The event comes last (docs/adr/0006).
    await inTransaction(prisma, async (tx) => {
      await rememberPartner(tx, bot, objectId, { mappingSid: mapping.sid, number: to });
      if (!(await acceptMessageIn(tx, { ...message, teams }))) throw new Repeated();
    });
  } catch (error) {
    if (error instanceof Repeated) return;
    throw error;
  }
  hints.queued();
  hints.appended(mapping.organizationSid);
  if (enterprise.status !== 'ACTIVE') await say(`Your message can not be sent: ${enterprise.name} is ${enterprise.status}.`);
}

/** The activity was taken before: whom the user spoke with since stays. */
class Repeated extends Error {}

/**
 * The user by application, tenant and object id. One application may serve several enterprises, also of several organizations; the object id was
 * resolved with the enterprise's own client secret, so nobody can claim another's user.
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
  const own = parseText(activity.text ?? '').own?.replace('+', '');
  const named = mappings.find((mapping) => mapping.externalDigits === own);
  const enterpriseSid = named?.enterpriseSid ?? conversations[0]?.enterpriseSid ?? mappings[0]?.enterpriseSid;
  const bot = bots.find((candidate) => candidate.enterpriseSid === enterpriseSid);
  return bot && { bot, objectId, mappings: mappings.filter((mapping) => mapping.enterpriseSid === enterpriseSid) };
}

async function replyToStranger(gateway: Gateway, applicationId: string, activity: Activity): Promise<void> {
  const tenantId = activity.conversation.tenantId ?? activity.channelData?.tenant?.id;
  const bot = tenantId && (await gateway.prisma.bot.findFirst({ where: { applicationId, tenantId }, orderBy: { dateCreated: 'asc' } }));
  if (bot) await replyIn(gateway, bot, activity, 'You have no SMS number yet. Ask your administrator for one.');
}

/** A short reply. It carries no message, so it is tried once: a failure is logged. */
async function replyIn(gateway: Gateway, bot: Bot, activity: Activity, reply: string): Promise<void> {
  const conversation = { conversationId: activity.conversation.id, serviceUrl: activity.serviceUrl };
  await gateway.microsoft
    .sendActivity(credentialsOf(gateway, bot), conversation, reply)
    .catch((error) => gateway.log.warn({ err: error }, 'a reply to a Teams user could not be sent'));
}

/** A group's conversation is nobody's to be reached in. */
const isPersonal = (activity: Activity) => (activity.conversation.conversationType ?? 'personal') === 'personal';
