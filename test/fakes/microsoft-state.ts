import type { Cloud } from '../../src/platforms/microsoft/clouds.ts';
import type { BotCredentials } from '../../src/platforms/microsoft/microsoft.ts';
import type { FakeRequest } from './fake-server.ts';

/** What Microsoft is asked for. */
export type MicrosoftRoute =
  | 'token'
  | 'user'
  | 'users'
  | 'catalog'
  | 'install'
  | 'installed'
  | 'chat'
  | 'group'
  | 'conversations'
  | 'activities'
  | 'members'
  | 'openid'
  | 'keys'
  | 'tenant'
  | 'entraKeys'
  | 'application';

export interface FakeBot extends BotCredentials {
  /** Graph's application permissions that an admin has granted. Tokens hold those of their time. */
  permissions: string[];
  /** Is there a bot of this application at the Bot Framework? */
  registered: boolean;
  /** Login says that the secret has expired. */
  secretExpired: boolean;
  /** Further secrets, and certificates as PEM, that its application has. */
  secrets: string[];
  certificates: string[];
  /** When its secrets end, by Graph. */
  secretEnds: { hint: string; endDateTime: string }[];
  /** The tenant whose login the Bot Framework takes tokens of. */
  botTenant: string;
}

export interface FakeUser {
  readonly tenantId: string;
  readonly objectId: string;
  readonly userPrincipalName: string;
  accountEnabled: boolean;
  /** Has blocked the bot. */
  blocked: boolean;
  /** Has the bot's app. */
  installed: boolean;
  /** The connector opens a conversation also if they do not have the app, and refuses what is posted to it. */
  opens: boolean;
  /** Has a licence of Teams. */
  inTeams: boolean;
}

/** An app in the catalog of a tenant. */
export interface FakeApp {
  /** In the catalog. */
  readonly id: string;
  /** In the app's manifest. */
  readonly externalId: string;
  readonly tenantId: string;
  /** The manifest's `webApplicationInfo.id`. */
  readonly webApplicationId: string;
  /** The versions that were uploaded. */
  versions: string[];
  /** What became of them. */
  publishingState: 'submitted' | 'published' | 'rejected';
}

/** A user as a member of a group, by Graph's names. */
export interface FakeMember {
  readonly id: string;
  readonly userPrincipalName: string;
  readonly displayName?: string | null;
  readonly accountEnabled?: boolean;
  readonly usageLocation?: string;
  readonly businessPhones?: readonly string[];
  readonly mobilePhone?: string | null;
}

/** A text that was posted to a user. */
export interface PostedActivity {
  readonly id: string;
  readonly conversationId: string;
  readonly applicationId: string;
  readonly objectId: string;
  readonly type: unknown;
  readonly text: unknown;
  readonly textFormat: unknown;
  readonly summary: unknown;
  /** Cards, as they were posted. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into them
  readonly attachments: any[] | undefined;
  /** When, in ms, by `performance.now()`. */
  readonly at: number;
  /** Its `status` stays unset where the answer was cut: then the gateway can't know that it was taken. */
  readonly request: FakeRequest;
}

/** A token that login has issued. */
interface FakeToken {
  readonly bot: FakeBot;
  readonly cloud: Cloud;
  /** The tenant that was asked. */
  readonly tenantId: string;
  readonly scope: string;
  readonly permissions: readonly string[];
}

/** At most `count` requests in any `perMs`. */
interface Rate {
  readonly count: number;
  readonly perMs: number;
}

/** How often Microsoft is asked before it refuses. */
export interface Rates {
  /** Sending to a conversation and opening it, for each bot and thread: "Per bot per thread limit" of learn.microsoft.com, "Rate limit bots". */
  readonly thread: readonly Rate[];
  /** Graph, for each application and tenant: "Microsoft Teams service limits" of learn.microsoft.com, "Microsoft Graph service-specific throttling limits". */
  readonly graph: readonly Rate[];
}

/** What the fake knows; tests may change it. */
export interface MicrosoftState {
  readonly bots: FakeBot[];
  readonly users: FakeUser[];
  readonly apps: FakeApp[];
  /** The members of groups, by the group's id. */
  readonly groups: Map<string, readonly FakeMember[]>;
  membersPerPage: number;
  /** Tokens that are still good. */
  readonly tokens: Map<string, FakeToken>;
  /** The ids of assertions that were used. */
  readonly assertions: Set<string>;
  /** By id. */
  readonly conversations: Map<string, { readonly bot: FakeBot; readonly user: FakeUser }>;
  readonly activities: PostedActivity[];
  /** Tenants of the Government Community Cloud, which have a connector of their own. */
  readonly gccTenants: Set<string>;
  /** The tenants' domains, and their ids. */
  readonly domains: Map<string, string>;
  /** Whether tokens for Graph cannot be read, as Microsoft may make them. */
  opaqueTokens: boolean;
  /** The life of new tokens, in s. */
  tokenLifetime: number;
  /** How often it may be asked; absent: as often as one likes. */
  rates?: Rates;
  /** The routes of requests that were too many. */
  readonly throttled: MicrosoftRoute[];
}
