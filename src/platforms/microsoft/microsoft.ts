/** The credentials of an enterprise's Azure application, which the gateway uses for requests to Microsoft. */
export interface BotCredentials {
  readonly applicationId: string;
  readonly tenantId: string;
  readonly clientSecret: string;
}

/** A bot's conversation with a Teams user. */
export interface ConversationReference {
  /** The connector's base URL, from an inbound activity or a setting. */
  readonly serviceUrl: string;
  readonly conversationId: string;
}

/** What the bot posts into a conversation. */
export interface OutgoingActivity {
  /** Plain text, shown above the attachments, and by itself in notifications. */
  readonly text: string;
  /** For lists of chats and notifications. */
  readonly summary?: string;
  readonly attachments?: readonly { readonly contentType: string; readonly content: unknown }[];
}

/** One step of `verifyBot`. */
export interface BotCheck {
  readonly step: 'TOKEN' | 'GRAPH' | 'CONNECTOR';
  readonly passed: boolean;
  /** Microsoft's error message, or what is to be said of a step that passed. */
  readonly message?: string;
}

/** A bot's app as it is installed for a user. */
export interface AppInstallation {
  /** Whether the user had the app before. */
  readonly wasInstalled: boolean;
  /** The chat of the bot with the user; absent if it is not known yet. */
  readonly conversation?: ConversationReference;
}

/** A user who is a member of a group. */
export interface GroupMember {
  readonly userPrincipalName: string;
  readonly displayName?: string;
  /** The user's country, as ISO 3166-1 alpha-2 has it. */
  readonly usageLocation?: string;
  /** As somebody has written them. */
  readonly businessPhones: readonly string[];
  readonly mobilePhone?: string;
}

/** How a request to the connector waits for its turn. */
interface Turn {
  /** How long it may wait for Teams' limits, in ms. Defaults to ten seconds. */
  readonly maxWaitMs?: number;
}

/** What the domain and the exchange need of Microsoft. */
export interface Microsoft {
  /**
   * Finds an enabled user of the bot's tenant.
   * @param address a user principal name or an object id
   * @returns `undefined` if there is none
   * @throws PlatformError if login issues no token, or Graph refuses or does not respond; its `cause` is a DeliveryError that classifies it
   */
  findUser(bot: BotCredentials, address: string): Promise<{ objectId: string } | undefined>;
  /**
   * Reads the enabled users that are members of a group, or of a group in it, page by page.
   * @param groupId the group's object id
   * @throws PlatformError if Graph refuses, knows no such group, or does not respond
   */
  groupMembers(bot: BotCredentials, groupId: string): AsyncIterable<GroupMember>;
  /**
   * Installs the bot's app for a user, who may have it already, and asks for their chat.
   * @param app.botAppId the app's id in the catalog, or the id in its manifest
   * @throws PlatformError if Graph refuses or does not respond; its `cause` is a DeliveryError, which names a missing permission
   */
  installApp(bot: BotCredentials, app: { objectId: string; botAppId: string }): Promise<AppInstallation>;
  /**
   * Opens the bot's conversation with a user, or returns the existing one. Follows the connector where it names another one for the tenant.
   * @param user.serviceUrl the connector that the user was last seen at, if any
   * @throws DeliveryError `refused`, `curable` or `retry`; NotYetError
   */
  openConversation(bot: BotCredentials, user: { objectId: string; serviceUrl?: string }, turn?: Turn): Promise<ConversationReference>;
  /**
   * Posts a text, or an activity with cards, into a conversation.
   * @param options.beforeSend called right before the request leaves; if it rejects, nothing is sent
   * @returns the activity's id; empty if the text was accepted and the rest of the response lost
   * @throws DeliveryError `refused`, `curable`, `retry`, or `unknown` if the request left and may have been accepted; StaleConversationError;
   *   NotYetError
   */
  sendActivity(
    bot: BotCredentials,
    conversation: ConversationReference,
    activity: string | OutgoingActivity,
    options?: Turn & { readonly beforeSend?: () => Promise<void> },
  ): Promise<{ activityId: string }>;
  /** How long Microsoft has asked the bot to wait (Retry-After), in ms; 0 if it has not. */
  heldBackMs(bot: BotCredentials): number;
  /** How long Teams' limits keep the bot from posting into a conversation again, in ms; 0 if they do not. */
  pauseMs(bot: BotCredentials, conversationId: string): number;
  /**
   * Asks login for the id of a tenant that is given by one of its domains.
   * @returns a GUID; `undefined` if login knows no such tenant
   * @throws PlatformError if login does not respond
   */
  resolveTenant(domain: string): Promise<string | undefined>;
  /** Checks a bot, step by step: its token, its Graph permission, the connector. Changes nothing, never rejects. */
  verifyBot(bot: BotCredentials): Promise<BotCheck[]>;
}
