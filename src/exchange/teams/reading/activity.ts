import * as z from 'zod';
import { replaceUnstorable } from '../../../domain/values/text.ts';

// An activity is read leniently, field by field: a part that nobody reads, or that is not what it should be, never refuses the whole.

const text = z.string().transform(replaceUnstorable);
/** An identifier, URL or name; a longer one is none. */
const short = text.pipe(z.string().min(1).max(2000));
const optional = <Schema extends z.ZodType>(schema: Schema) => schema.optional().catch(undefined);
const channelData = z.object({
  tenant: optional(z.object({ id: optional(short) })),
  team: z.unknown().optional(),
  channel: z.unknown().optional(),
});

const members = z.array(z.object({ id: optional(short) }));

/**
 * The fields of a Bot Framework Activity that the exchange reads.
 * https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference#activity-object
 */
export const activitySchema = z.object({
  type: short,
  id: optional(short),
  /** What an `invoke` asks for. */
  name: optional(short),
  /** What an `installationUpdate` says. */
  action: optional(short),
  /** Who has joined a conversation, as a `conversationUpdate` says. */
  membersAdded: optional(members),
  /** Who has left it. */
  membersRemoved: optional(members),
  /** The language of the user's Teams, e.g. `de-DE`. */
  locale: optional(short),
  text: optional(text),
  textFormat: optional(short),
  /** A card's data: of an `invoke`, or of a message that a card's button sends. */
  value: z.unknown().optional(),
  serviceUrl: short,
  channelId: short,
  /** Its id is Teams' own, which nobody reads. */
  from: optional(z.object({ aadObjectId: optional(short) })),
  recipient: optional(z.object({ id: optional(short) })),
  conversation: z.object({
    id: short,
    tenantId: optional(short),
    conversationType: optional(short),
    isGroup: optional(z.boolean()),
  }),
  channelData: optional(channelData),
  /** What the text is read from (activity-text.ts), unread. */
  attachments: z.unknown().optional(),
  entities: z.unknown().optional(),
});
export type Activity = z.output<typeof activitySchema>;

/** The tenant that an activity comes from. */
export const tenantOf = ({ conversation, channelData: data }: Activity): string | undefined => conversation.tenantId ?? data?.tenant?.id;

/** Whether the conversation is between the user and the bot alone. One without a type is, if nothing says otherwise. */
export function isPersonal({ conversation, channelData: data }: Activity): boolean {
  const { id, conversationType, isGroup } = conversation;
  if (conversationType !== undefined) return conversationType.toLowerCase() === 'personal';
  return isGroup !== true && !/^19:/.test(id) && !data?.team && !data?.channel;
}

/** Whether an activity says that the user now has the bot's app: it was installed, or the bot has become a member of their chat. */
export const isInstallation = (activity: Activity): boolean =>
  (activity.type === 'installationUpdate' && /^add\b/i.test(activity.action ?? '')) || changesBot(activity, activity.membersAdded);

/** Whether an activity says that the bot's app was removed, or the bot from the chat. */
export const isRemoval = (activity: Activity): boolean =>
  (activity.type === 'installationUpdate' && /^remove\b/i.test(activity.action ?? '')) || changesBot(activity, activity.membersRemoved);

/** Whether a `conversationUpdate` names the bot among the members that were added or removed. */
const changesBot = ({ type, recipient }: Activity, members: Activity['membersAdded'] = []): boolean =>
  type === 'conversationUpdate' && recipient?.id !== undefined && members.some(({ id }) => id === recipient.id);
