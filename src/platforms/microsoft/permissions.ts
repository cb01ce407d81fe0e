import { type Cloud, installsApps } from './clouds.ts';

// The application permissions of Graph that the gateway has a use for. docs/microsoft.md asks for the same.

/** An application permission of Graph. */
interface GraphPermission {
  readonly name: string;
  /** What the application cannot do without it. */
  readonly use: string;
  /** Those that allow the same, and more. */
  readonly wider?: readonly string[];
}

/** Finds users: without it, all messages wait. */
export const READS_USERS = 'User.Read.All';
/** Installs the application's own app for users, by `webApplicationInfo` of its manifest, and asks for their chats with it. */
export const INSTALLS = 'TeamsAppInstallation.ReadWriteSelfForUser.All';
/** Looks into an organization's app catalog. */
export const READS_CATALOG = 'AppCatalog.Read.All';

/** Without it, messages wait that are for users who do not have the app yet. */
const TO_INSTALL: GraphPermission = {
  name: INSTALLS,
  use: 'install its app for users',
  // https://learn.microsoft.com/graph/api/userteamwork-post-installedapps
  wider: [
    'ReadWriteForUser',
    'ReadWriteSelectedForUser',
    'ManageSelectedForUser',
    'ReadWriteAndConsentSelfForUser',
    'ReadWriteAndConsentForUser',
  ].map((name) => `TeamsAppInstallation.${name}.All`),
};
/** So it is without this one, unless the bot has the app's id in the catalog, which need not be looked up. */
const TO_FIND: GraphPermission = {
  name: READS_CATALOG,
  use: 'find its app in the catalog',
  // https://learn.microsoft.com/graph/api/appcatalogs-list-teamsapps
  wider: ['AppCatalog.ReadWrite.All'],
};
/** Without these, messages are delivered. */
const FURTHER: readonly GraphPermission[] = [
  {
    name: 'GroupMember.Read.All',
    use: 'read the members of groups',
    // https://learn.microsoft.com/graph/api/group-list-transitivemembers
    wider: ['GroupMember.ReadWrite.All', 'Group.Read.All', 'Group.ReadWrite.All', 'Directory.Read.All'],
  },
  {
    name: 'Application.Read.All',
    use: 'read when its secret ends',
    // https://learn.microsoft.com/graph/api/application-get; `Application.ReadWrite.OwnedBy` only for an application that owns itself.
    wider: ['Application.ReadWrite.All'],
  },
];

interface Lacking {
  /** The names of those that messages need. */
  readonly needed: readonly string[];
  /** Names those that messages need, or, if none of these is lacking, the others, and what each is for; empty if none is lacking. */
  readonly words: string;
}

/**
 * Finds what an application lacks, apart from `User.Read.All`.
 * @param granted its permissions; `undefined` if its token does not say them
 * @param isFound whether the app's id in the catalog is known
 */
export function lackingPermissions(granted: readonly string[] | undefined, cloud: Cloud, isFound = false): Lacking {
  const lacks = ({ name, wider = [] }: GraphPermission) => granted !== undefined && ![name, ...wider].some((one) => granted.includes(one));
  // Where the application cannot install apps, people do, and it need not look for the app.
  const ofApp = installsApps(cloud) ? [TO_INSTALL, TO_FIND] : [];
  const needed = ofApp.filter((one) => lacks(one) && !(isFound && one === TO_FIND));
  // More than what is needed is not asked for along with it.
  const named = needed.length > 0 ? needed : [...ofApp, ...FURTHER].filter(lacks);
  const words = named.map(({ name, use }) => `${name} (to ${use})`);
  return { needed: needed.map(({ name }) => name), words: words.length > 0 ? `Not granted: ${words.join(', ')}.` : '' };
}
