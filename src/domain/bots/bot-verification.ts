import type { Bot } from '../../../prisma/client/client.ts';
import { FORBIDDEN, NO_PERMISSION, UNSUPPORTED } from '../../platforms/microsoft/app-installations.ts';
import { type Authority, authorities, type Cloud, loginTenantOf } from '../../platforms/microsoft/clouds.ts';
import { type BotCheck, type BotCredentials, botCheckSteps } from '../../platforms/microsoft/microsoft.ts';
import { appendAudit } from '../audit.ts';
import type { Caller } from '../caller.ts';
import { botNotFound } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { SealError } from '../secrets.ts';
import { hasApp, makeAppPackage } from '../teams-app/package.ts';
import { inTransaction } from '../transaction.ts';
import { HOLDS } from '../waiting.ts';
import { adminConsentUrl, moveBot } from './bot-clouds.ts';
import { claimForCheck, storeHealth, UNREADABLE, verdictOf } from './bot-health.ts';
import { checkTenant } from './bot-tenants.ts';
import { credentialsOf, findBot } from './bots.ts';
import { consentAt, cureOf } from './health-verdict.ts';
import { checkInstallations, mustBeFound, retryInstallations } from './teams-installations.ts';

/** A bot to verify, and the user who should have its app: a user principal name or an object id. */
interface VerifyBotInput {
  readonly sid: string;
  readonly microsoftAddress?: string | null;
}

/** A check, and what cures it if it failed. */
export interface VerifiedCheck extends BotCheck {
  /** `null` if it passed, or nobody has to do anything: Microsoft did not respond. */
  readonly cure: string | null;
}

/** What a verification has found. */
export interface BotVerification {
  readonly checks: readonly VerifiedCheck[];
  /** The authority whose tokens the Bot Framework takes; `null` if it takes none, or cannot be asked. */
  readonly authority: Authority | null;
}

/** The path that the Bot Framework posts activities to. */
const ENDPOINT_PATH = '/api/messages';

const CURES: Readonly<Record<BotCheck['step'], string>> = {
  IDS: 'Give the ids from the overview of the app registration in Microsoft Entra with `updateBot`.',
  TOKEN: HOLDS.BOT_CREDENTIALS.cure,
  GRAPH: HOLDS.GRAPH_PERMISSION.cure,
  CATALOG: "Publish the app's package in the Teams admin center, or submit it to Microsoft's store.",
  INSTALLATION: HOLDS.APP_NOT_INSTALLED.cure,
  CONNECTOR: HOLDS.BOT_NOT_REGISTERED.cure,
  ENDPOINT:
    'Set PUBLIC_URL to the https address at which the internet reaches the gateway, and the same with /api/messages as messaging endpoint of the Azure bot.',
};

/** What cures what the checks of the app find, by the gateway's own codes. */
const CURES_BY_CODE: Readonly<Record<string, string | null>> = {
  AppOutdated: "Download the app's package again, and upload it to Teams as an update.",
  AppNotPublished: 'Approve the app in the Teams admin center: Teams apps, Manage apps.',
  [FORBIDDEN]: cureOf('INSTALL_REFUSED'),
  [UNSUPPORTED]: cureOf('INSTALL_UNSUPPORTED'),
  BotAppIdInvalid: "Give the bot the app's id with `updateBot` (`botAppId`): the application's, or the one that the catalog gave the app.",
  UserUnknown: "Give the user principal name of a user of the bot's tenant.",
};

/** What cures a failed check. @param consentUrl the page for an administrator's consent */
function cureOfCheck({ step, passed, skipped, permissions, reason, code }: BotCheck, consentUrl: string): string | null {
  if (passed) return null;
  if (permissions) {
    const named = `the ${permissions.length === 1 ? 'permission' : 'permissions'} ${permissions.join(', ')}`;
    return `Grant the application ${named} of Microsoft Graph, as application permissions. ${consentAt(consentUrl)}`;
  }
  if (skipped) return null;
  if (code && Object.hasOwn(CURES_BY_CODE, code)) return CURES_BY_CODE[code] ?? null;
  if (reason) return HOLDS[reason].cure;
  return ['IDS', 'ENDPOINT', 'CATALOG', 'INSTALLATION'].includes(step) || code === undefined ? CURES[step] : null;
}

/**
 * Checks a bot with Microsoft, step by step: the form of its ids, its token by each credential, its permissions in Microsoft Graph, the connector, and the
 * messaging endpoint; that the app is in the catalog, that installations have met no cause of the bot's own, and that a user has the app, if one is named.
 * Stores what that says of the bot's health, and is recorded in the audit log.
 * @throws NotFoundError BOT_NOT_FOUND (481)
 */
export async function verifyBot(gateway: Gateway, caller: Caller, input: VerifyBotInput): Promise<BotVerification> {
  const found = await findBot(gateway, caller, input.sid);
  const bot = found && (await claimForCheck(gateway, found));
  if (!bot) throw botNotFound(input.sid);
  const microsoftAddress = input.microsoftAddress?.trim() || undefined;
  const [endpoint, asked] = await Promise.all([
    gateway.microsoft.checkEndpoint(gateway.publicUrl + ENDPOINT_PATH),
    askMicrosoft(gateway, bot, microsoftAddress).catch((error) => {
      if (error instanceof SealError) return undefined;
      throw error;
    }),
  ]);
  const { checks: made, authority } = asked ?? NOTHING_ASKED;
  const installations = await checkInstallations(gateway, bot, made);
  const checks = [...made, ...installations, endpoint];
  await appendAudit(gateway.prisma, caller, [{ action: 'bot.verify', targetSid: bot.sid }]);
  const movedTo = checks.find((check) => check.movedTo)?.movedTo;
  if (movedTo) await moveBot(gateway, bot, movedTo);
  await storeHealth(gateway, bot, asked ? await verdictOf(gateway, bot, checks) : UNREADABLE);
  if (installations.some(({ code }) => code === NO_PERMISSION)) await tryPermission(gateway, bot);
  const consentUrl = adminConsentUrl(gateway, bot);
  const inOrder = checks.sort((one, other) => botCheckSteps.indexOf(one.step) - botCheckSteps.indexOf(other.step));
  return { checks: inOrder.map((check) => ({ ...check, cure: cureOfCheck(check, consentUrl) })), authority };
}

/** Asks for installations again, as nothing else tells whether the permission was granted by now. The next verification shows it. */
async function tryPermission({ prisma, hints }: Gateway, { enterpriseSid }: Bot): Promise<void> {
  await inTransaction(prisma, (tx) => retryInstallations(tx, enterpriseSid));
  hints.installable?.();
}

/** Makes the checks that Microsoft is asked for. @throws SealError where a credential of the bot cannot be opened */
async function askMicrosoft(gateway: Gateway, bot: Bot, userAddress: string | undefined): Promise<BotVerificationByMicrosoft> {
  const credentials = credentialsOf(gateway, bot);
  const given = { botAppId: bot.botAppId, mustBeFound: await mustBeFound(gateway, bot) };
  const version = hasApp(bot) ? (await makeAppPackage(gateway, bot)).version : undefined;
  const [made, app] = await Promise.all([
    gateway.microsoft.verifyBot(credentials, given),
    gateway.microsoft.checkApp(credentials, { ...given, version, userAddress }),
  ]);
  const { authority, tried } = await findAuthority(gateway, bot, credentials, made);
  const ofBot = (await checkTenant(gateway, bot, made)).map((check) => withAuthority(check, bot, authority, tried));
  return { checks: [...ofBot, ...app], authority };
}

interface BotVerificationByMicrosoft {
  readonly checks: readonly BotCheck[];
  readonly authority: Authority | null;
}

/** What is known of a bot that Microsoft cannot be asked for, since its credentials cannot be opened. */
const NOTHING_ASKED: BotVerificationByMicrosoft = {
  checks: [
    { step: 'TOKEN', passed: false, reason: UNREADABLE.reason, code: UNREADABLE.code, message: UNREADABLE.message },
    ...(['GRAPH', 'CATALOG', 'CONNECTOR'] as const).map((step) => ({ step, passed: false, skipped: true, message: UNREADABLE.message })),
  ],
  authority: null,
};

const isTaken = (checks: readonly BotCheck[]) => checks.some(({ step, passed, isUnasked }) => step === 'CONNECTOR' && passed && !isUnasked);

interface FoundAuthority {
  /** The one whose tokens the Bot Framework takes: the bot's own, or another one. `null` if there is none, or nobody could be asked. */
  readonly authority: Authority | null;
  /** Those that were tried. */
  readonly tried: readonly Authority[];
}

/** Finds the authority whose tokens the Bot Framework takes. */
async function findAuthority(gateway: Gateway, bot: Bot, credentials: BotCredentials, found: readonly BotCheck[]): Promise<FoundAuthority> {
  const own = bot.authority as Authority;
  const tried = [own];
  if (isTaken(found)) return { authority: own, tried };
  // No other one helps where the connector was not asked, or refuses something else than the token.
  if (!found.some(({ step, reason }) => step === 'CONNECTOR' && reason === 'BOT_CREDENTIALS')) return { authority: null, tried };
  for (const authority of authorities) {
    const loginTenant = loginTenantOf(bot.cloud as Cloud, authority, bot.homeTenantId);
    if (authority === own || (authority === 'HOME' && loginTenant === undefined)) continue;
    tried.push(authority);
    if (isTaken(await gateway.microsoft.verifyBot({ ...credentials, loginTenant }))) return { authority, tried };
  }
  return { authority: null, tried };
}

/** What refuses an application that is, or whose Azure bot is, of another tenant: login does not know it, or the connector does not take its tokens. */
const OF_ANOTHER_TENANT: readonly (string | undefined)[] = ['AADSTS700016', '401'];

/** Says which authority would do, if the bot's own does not, or what it takes to find out. */
function withAuthority(check: BotCheck, bot: Bot, authority: Authority | null, tried: readonly Authority[]): BotCheck {
  if (check.step !== 'CONNECTOR' || authority === bot.authority) return check;
  const said = (words: string) => ({ ...check, message: `${words} ${check.message ?? ''}`.trim() });
  if (authority !== null)
    return said(`Microsoft takes tokens of the authority ${authority}, not of ${bot.authority}: change it with updateBot.`);
  if (check.passed || !OF_ANOTHER_TENANT.includes(check.code)) return check;
  const none = `Microsoft takes tokens of none of the authorities that were tried: ${tried.join(', ')}.`;
  return said(
    bot.homeTenantId
      ? none
      : `${none} HOME was not, because homeTenantId is missing: if the application is registered in another tenant, give that one with updateBot.`,
  );
}
