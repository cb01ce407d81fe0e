import type { Cloud } from './clouds.ts';

/** The credentials of an enterprise's Azure application, which the gateway uses for requests to Microsoft. */
export interface BotCredentials {
  readonly applicationId: string;
  readonly tenantId: string;
  /** Empty if the bot has only further credentials. */
  readonly clientSecret: string;
  /** Defaults to COMMERCIAL. */
  readonly cloud?: Cloud;
  /** The tenant whose login issues the tokens for the Bot Framework. Defaults to `tenantId`. */
  readonly loginTenant?: string;
  /** Its other credentials. */
  readonly further?: FurtherCredentials;
}

/** Credentials that are read only when a token is requested. */
interface FurtherCredentials {
  /** Changes whenever one of them does. */
  readonly key: string;
  /** Reads them, those to try first first. */
  load(): Promise<readonly BotCredential[]>;
}

/** A secret, or a certificate with its private key, each as PEM. */
export type BotCredential = { readonly sid: string; readonly expires?: Date } & (
  | { readonly kind: 'SECRET'; readonly secret: string }
  | { readonly kind: 'CERTIFICATE'; readonly thumbprint: string; readonly privateKey: string }
);

/** A bot's conversation with a Teams user. */
export interface ConversationReference {
  /** The connector's base URL, from an inbound activity or a setting. */
  readonly serviceUrl: string;
  readonly conversationId: string;
  /** The cloud that the tenant turned out to be in, if it is another one than the bot's. */
  readonly movedTo?: Cloud;
}

/** What the bot posts into a conversation. */
export interface OutgoingActivity {
  /** Plain text, shown above the attachments, and by itself in notifications. */
  readonly text: string;
  /** For lists of chats and notifications. */
  readonly summary?: string;
  readonly attachments?: readonly { readonly contentType: string; readonly content: unknown }[];
}

/** The steps of `verifyBot`, in their order. */
export const botCheckSteps = ['IDS', 'TOKEN', 'GRAPH', 'CATALOG', 'INSTALLATION', 'CONNECTOR', 'ENDPOINT'] as const;
type BotCheckStep = (typeof botCheckSteps)[number];

/** One step of `verifyBot`. */
export interface BotCheck {
  readonly step: BotCheckStep;
  /** `false` if it was skipped, too. */
  readonly passed: boolean;
  /** Whether the check could not be made. */
  readonly skipped?: boolean;
  /** Whether it could not be made for a while only: Microsoft was too busy, or did not respond. */
  readonly isTemporary?: boolean;
  /** Of `GRAPH`: whether Graph's tokens do not say which permissions the application has. */
  readonly isUnsaid?: boolean;
  /** The permissions of Graph that the application lacks, and needs. */
  readonly permissions?: readonly string[];
  /** Microsoft's error message, or what is to be said of a step that passed. */
  readonly message?: string;
  /** Microsoft's error code, if it failed. */
  readonly code?: string;
  /** Why messages would wait, if it failed for a cause that somebody can remove. */
  readonly reason?: BotFault;
  /** Which messages will wait, if it failed for a cause that keeps only some waiting. */
  readonly warning?: BotWarning;
  /** Of `TOKEN`: the further credential that was tried. Absent for the client secret. */
  readonly credentialSid?: string;
  /** Of `CONNECTOR`: the cloud that the tenant turned out to be in. */
  readonly movedTo?: Cloud;
  /** Of `CONNECTOR`: it passed because there is none to ask. */
  readonly isUnasked?: boolean;
}

/** What can be wrong with a bot that keeps its messages waiting. */
export const botFaults = ['BOT_CREDENTIALS', 'BOT_NOT_REGISTERED', 'BOT_BLOCKED', 'GRAPH_PERMISSION', 'SERVICE_URL'] as const;
export type BotFault = (typeof botFaults)[number];

/**
 * What keeps the messages to users waiting who do not have the bot's app yet.
 * - `INSTALL_PERMISSION`: the gateway may not install it, or not look for it in the catalog
 * - `APP_NOT_PUBLISHED`: there is no published app to install
 * - `INSTALL_REFUSED`: Microsoft does not install it for several of them, or for all so far
 * - `INSTALL_UNSUPPORTED`: only people can install it in the bot's cloud, and nobody has
 */
export const botWarnings = ['INSTALL_PERMISSION', 'APP_NOT_PUBLISHED', 'INSTALL_REFUSED', 'INSTALL_UNSUPPORTED'] as const;
export type BotWarning = (typeof botWarnings)[number];

/** When a credential of an application ends, as Graph tells. */
interface CredentialDate {
  /** The first three characters of a secret. */
  readonly hint?: string;
  readonly expires: Date;
}

/** The app whose presence is to be checked. */
export interface AppToCheck {
  /** The app's id in the catalog, or the id in its manifest. */
  readonly botAppId: string;
  /** Whether it must be looked up in the catalog before it can be installed, since `botAppId` is not its id there. */
  readonly mustBeFound: boolean;
  /** The version of the package that the gateway makes for the bot, if it can make one. */
  readonly version?: string;
  /** The user who should have the app: a user principal name or an object id. */
  readonly userAddress?: string;
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

/** The application and the tenant that a user's token must be for. */
interface SignInApp extends Pick<BotCredentials, 'cloud'> {
  /** A GUID. */
  readonly tenantId: string;
  /** The values that the token's audience may have: the application's id, and its Application ID URI. */
  readonly audiences: readonly string[];
}

/** A user that Entra has identified to a bot's application. */
interface IdentifiedUser {
  /** In lower case. */
  readonly objectId: string;
  readonly expires: Date;
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
  /** How long the connector, or login for it, has asked the bot to wait (Retry-After), in ms; 0 if it has not. */
  heldBackMs(bot: BotCredentials): number;
  /** How long Graph, or login for it, has asked the bot to wait, in ms; 0 if it has not. */
  graphHeldBackMs(bot: BotCredentials): number;
  /** How long Teams' limits keep the bot from posting into a conversation again, in ms; 0 if they do not. */
  pauseMs(bot: BotCredentials, conversationId: string): number;
  /**
   * Asks login for the id of a tenant that is given by one of its domains.
   * @returns a GUID; `undefined` if login knows no such tenant
   * @throws PlatformError if login does not respond
   */
  resolveTenant(domain: string, cloud?: Cloud): Promise<string | undefined>;
  /**
   * Checks a bot, step by step: its token by each credential, its Graph permissions, the connector. Changes nothing.
   * @param app.mustBeFound whether it must be looked up in the catalog, which takes a permission more
   * @throws what reading its further credentials throws, and nothing else
   */
  verifyBot(bot: BotCredentials, app?: Pick<AppToCheck, 'mustBeFound'>): Promise<BotCheck[]>;
  /**
   * Checks that a bot's app is in the catalog, in the version of its package, and installed for a user if one is given. A check that Graph does not
   * tell the result of is skipped. Changes nothing, never rejects.
   */
  checkApp(bot: BotCredentials, app: AppToCheck): Promise<BotCheck[]>;
  /**
   * Asks Graph when the secrets of a bot's application end. Needs the permission `Application.Read.All`, and an application of the bot's tenant.
   * @returns none if Graph may not tell, has no such application, or login refuses the bot; `undefined` if Graph is too busy, or does not respond
   */
  secretDates(bot: BotCredentials): Promise<readonly CredentialDate[] | undefined>;
  /**
   * Checks that a bot's messaging endpoint refuses what the Bot Framework has not signed. Never rejects.
   * @param url e.g. `https://gateway.example/api/messages`
   */
  checkEndpoint(url: string): Promise<BotCheck>;
  /**
   * Verifies a token that Entra has issued to Teams for a user of a bot's app: signature, issuer, audience, tenant, time and scope.
   * @returns `EXPIRED` for a token that was valid; `undefined` for one that is not for this application and tenant, or not genuine
   * @throws PlatformError if Entra's signing keys cannot be fetched
   */
  verifyUserToken(app: SignInApp, token: string): Promise<IdentifiedUser | 'EXPIRED' | undefined>;
  /** The page on which an administrator of the bot's tenant consents to the application's permissions. */
  adminConsentUrl(bot: Pick<BotCredentials, 'applicationId' | 'tenantId' | 'cloud'>): string;
}
