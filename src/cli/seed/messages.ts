import type { ChannelStatus, MessageDirection, Prisma } from '../../../prisma/client/client.ts';
import { statusRank } from '../../domain/messages/message-status.ts';
import { encodingOf } from '../../domain/messages/sms-encoding.ts';
import { comparedForm } from '../../domain/values/phone-numbers.ts';
import type { Random } from './random.ts';
import { days, dialogues, type Line } from './texts.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
/** Messages younger than this may still be in progress. */
export const RECENT_MS = 20 * MINUTE_MS;

/** The two ends of a conversation, and its owner. */
export interface Conversation {
  readonly organizationSid: string;
  readonly enterpriseSid: string;
  readonly accountSid: string;
  readonly mappingSid: string | null;
  readonly microsoftAddress: string;
  readonly firstName: string;
  readonly phone: string;
}

/** A message and its status events. The last one's status is the message's. */
export interface MessageWithHistory {
  readonly message: Prisma.MessageCreateManyInput;
  readonly events: readonly Omit<Prisma.MessageEventCreateManyInput, 'seq'>[];
}

interface StatusStep {
  readonly status: ChannelStatus;
  /** Time since the previous step, in ms. */
  readonly after: number;
  readonly errorCode?: string;
  readonly errorMessage?: string;
}

const BLOCKED = 'The Teams user has blocked the bot';

/** Generates a dialogue that begins at `start`, as far as it has come by `now`: its last messages may be in progress. */
export function converse(random: Random, conversation: Conversation, start: number, now: number): MessageWithHistory[] {
  const filled = fillWith(random, conversation.firstName);
  const messages: MessageWithHistory[] = [];
  let at = start;
  for (const line of random.pick(dialogues)) {
    const spoken = speak(random, conversation, { ...line, text: filled(line.text) }, at, now);
    if (at <= now) messages.push(spoken);
    at += random.integer(20 * SECOND_MS, 12 * MINUTE_MS);
  }
  return messages;
}

function fillWith(random: Random, user: string): (text: string) => string {
  const values: Record<string, string> = {
    user,
    day: random.pick(days),
    time: `${random.integer(8, 17)}:${random.pick(['00', '15', '30', '45'])}`,
    number: String(random.integer(100_000, 999_999)),
  };
  return (text) => text.replace(/\{(\w+)\}/g, (placeholder, name) => values[name] ?? placeholder);
}

function speak(random: Random, conversation: Conversation, line: Line, at: number, now: number): MessageWithHistory {
  const { firstName: _, microsoftAddress, phone, ...owner } = conversation;
  const direction: MessageDirection = line.by === 'teams' ? 'INBOUND' : 'OUTBOUND';
  const [from, to] = direction === 'INBOUND' ? [microsoftAddress, phone] : [phone, microsoftAddress];
  const sid = `MS${random.hex(32)}`;
  const restcommMessageSid = `SM${random.hex(32)}`;
  const media = `https://media.example/${random.uuid()}.jpg`;
  const steps = direction === 'INBOUND' ? toPhone(random, phone) : toTeams(random);
  // Delay some of the latest messages, so that every status occurs.
  const isDelayed = at > now - RECENT_MS && random.chance(0.4);
  const events = happened(isDelayed ? steps.slice(0, random.integer(1, 2)) : steps, at, now).map((event, index, all) => ({
    ...event,
    organizationSid: owner.organizationSid,
    messageSid: sid,
    previousStatus: all[index - 1]?.status ?? null,
  }));
  const last = events.at(-1);
  const status = last?.status ?? 'QUEUED';
  return {
    events,
    message: {
      ...owner,
      sid,
      direction,
      type: line.picture ? 'MMS' : 'SMS',
      from,
      fromFolded: comparedForm(from),
      to,
      toFolded: comparedForm(to),
      body: line.text,
      mediaUrls: line.picture ? [media] : [],
      ...encodingOf(line.text),
      channelStatus: status,
      statusRank: statusRank(status),
      channelErrorCode: last?.errorCode ?? null,
      channelErrorMessage: last?.errorMessage ?? null,
      // Restcomm assigns the sid of a message to a phone when it accepts it.
      restcommMessageSid: direction === 'INBOUND' && status === 'QUEUED' ? null : restcommMessageSid,
      dateCreated: new Date(at),
      dateUpdated: last?.occurredAt ?? new Date(at),
    },
  };
}

function happened(steps: readonly StatusStep[], start: number, now: number) {
  let at = start;
  return steps
    .map(({ after, errorCode, errorMessage, status }) => {
      at += after;
      return { status, occurredAt: new Date(at), errorCode: errorCode ?? null, errorMessage: errorMessage ?? null };
    })
    .filter(({ occurredAt }) => occurredAt.getTime() <= now);
}

/** Generates the statuses of a message to a phone. As with the embedded Restcomm, numbers that end in 0 cannot be reached. */
function toPhone(random: Random, phone: string): StatusStep[] {
  const taken: StatusStep[] = [
    { status: 'QUEUED', after: 0 },
    { status: 'SENDING', after: random.integer(40, 900) },
  ];
  const sent: StatusStep = { status: 'SENT', after: random.integer(300, 4000) };
  const report = random.integer(2 * SECOND_MS, 40 * SECOND_MS);
  const luck = random.next();
  if (luck < 0.01) return [...taken, { status: 'FAILED', after: sent.after, errorCode: '30008', errorMessage: 'Unknown error' }];
  if (phone.endsWith('0')) {
    return [...taken, sent, { status: 'UNDELIVERED', after: report, errorCode: '30003', errorMessage: 'Unreachable destination handset' }];
  }
  if (luck < 0.02) return [...taken, sent, { status: 'UNDELIVERED', after: report, errorCode: '30007', errorMessage: 'Message filtered' }];
  // Some carriers never report delivery.
  if (luck < 0.06) return [...taken, sent];
  return [...taken, sent, { status: 'DELIVERED', after: report }];
}

/** Generates the statuses of a message to a Teams user; some are read. */
function toTeams(random: Random): StatusStep[] {
  const taken: StatusStep[] = [
    { status: 'RECEIVED', after: 0 },
    { status: 'SENDING', after: random.integer(30, 600) },
  ];
  const after = random.integer(200, 2500);
  const reading = random.integer(5 * SECOND_MS, 50 * MINUTE_MS);
  const luck = random.next();
  if (luck < 0.015) return [...taken, { status: 'FAILED', after, errorCode: 'ConversationBlockedByUser', errorMessage: BLOCKED }];
  const delivered: StatusStep[] = [...taken, { status: 'SENT', after }, { status: 'DELIVERED', after: random.integer(50, 700) }];
  return luck < 0.4 ? [...delivered, { status: 'READ', after: reading }] : delivered;
}
