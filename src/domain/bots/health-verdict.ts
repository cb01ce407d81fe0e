import { type BotCheck, type BotFault, type BotWarning, botFaults } from '../../platforms/microsoft/microsoft.ts';
import { MAY_BE_TOO_NEW } from '../../platforms/microsoft/outcomes.ts';
import { HOLDS } from '../waiting.ts';
import { type End, type EndingSoon, endingSoon } from './credential-ends.ts';

/**
 * How a bot is.
 * - `UNKNOWN`: not checked yet, or Microsoft did not respond
 * - `HEALTHY`: nothing that concerns the bot keeps a message waiting, or soon will
 * - `WARNING`: it works, but not for some users, or will stop unless somebody does something
 * - `UNHEALTHY`: its messages wait, or those to users whom it has not looked up yet
 */
export const healthStatuses = ['UNKNOWN', 'HEALTHY', 'WARNING', 'UNHEALTHY'] as const;
export type HealthStatus = (typeof healthStatuses)[number];

/** What is the matter with a bot. */
export interface HealthVerdict {
  readonly status: HealthStatus;
  readonly reason?: HealthReason;
  /** Microsoft's code, or the gateway's own. */
  readonly code?: string;
  /** Of a healthy bot: what is only to be noted. */
  readonly message?: string;
  /** Whether Microsoft may not know all of the bot's credentials yet, so that it is checked again soon. */
  readonly isEarly?: boolean;
}

/** What messages to some users meet, while the bot's checks may find nothing: they ask about no user. */
export const OF_SOME_USERS: readonly string[] = ['BOT_BLOCKED', 'SERVICE_URL'] satisfies BotFault[];

const WARNINGS = {
  INSTALL_PERMISSION: 'Grant the application the permissions of Microsoft Graph that the message names.',
  APP_NOT_PUBLISHED:
    "Publish the bot's app package in the Teams admin center, and give the bot the app's id as `botAppId`: the application's, or the one that the catalog gave the app.",
  INSTALL_REFUSED:
    'Upload the package that the gateway makes for the bot, whose manifest names its application (`webApplicationInfo`), and allow the app for its users in the Teams admin center.',
  INSTALL_UNSUPPORTED:
    'Have an administrator of the tenant install the app for its users in the Teams admin center: Teams apps, Setup policies, Installed apps.',
  CREDENTIAL_EXPIRES:
    'Add a new secret or certificate with `addBotSecret` or `addBotCertificate`, or give another one with `updateBot`, with its end, before the old one ends.',
  CREDENTIAL_REFUSED:
    'Remove the credential that Microsoft refuses with `removeBotCredential`, or the client secret with `updateBot` and `removeClientSecret`; another one works.',
} as const satisfies Readonly<Record<BotWarning | 'CREDENTIAL_EXPIRES' | 'CREDENTIAL_REFUSED', string>>;
type Warning = keyof typeof WARNINGS;
/** What an administrator's consent cures. */
const CURED_BY_CONSENT: readonly string[] = ['GRAPH_PERMISSION', 'INSTALL_PERMISSION'];

/** Why a bot is not healthy. */
export const healthReasons = [...botFaults, ...(Object.keys(WARNINGS) as Warning[])] as const;
export type HealthReason = BotFault | Warning;

/**
 * What cures a bot's trouble.
 * @param consentUrl the page for an administrator's consent, which a cure that needs one names
 * @returns `null` if nothing is the matter
 */
export function cureOf(reason: string | null, consentUrl?: string): string | null {
  if (reason === null) return null;
  const fault = botFaults.find((known) => known === reason);
  const cure = fault ? HOLDS[fault].cure : (WARNINGS[reason as Warning] ?? null);
  return cure && consentUrl && CURED_BY_CONSENT.includes(reason) ? `${cure} ${consentAt(consentUrl)}` : cure;
}

/** Says where an administrator consents. */
export const consentAt = (consentUrl: string): string => `An administrator of the tenant consents at ${consentUrl}`;

/**
 * Judges a bot by its checks and the ends of its credentials.
 * @param isNew whether Microsoft may not know its credentials yet
 * @param ends `undefined` if Graph did not respond, which may know them
 * @returns `undefined` if the checks do not tell: Microsoft did not respond, or may not know the credentials yet
 */
export function judge(
  checks: readonly BotCheck[],
  ends: readonly End[] | undefined,
  isNew: boolean,
  now = Date.now(),
): HealthVerdict | undefined {
  const tokens = checks.filter(({ step }) => step === 'TOKEN');
  // What the others find keeps no message waiting, except what warns.
  const failed = checks.filter(({ step, passed, warning }) => !passed && !warning && ['TOKEN', 'GRAPH', 'CONNECTOR'].includes(step));
  const works = tokens.some(({ passed }) => passed);
  const grave = failed.filter(({ step, reason }) => reason && (step !== 'TOKEN' || !works));
  const [first] = grave;
  const early = isNew ? failed.filter(({ code }) => MAY_BE_TOO_NEW.has(code ?? '')) : [];
  if (first && (early.includes(first) || (!works && early.length > 0))) return undefined;
  if (first) return { status: 'UNHEALTHY', reason: first.reason, code: first.code, message: first.message };
  const unanswered = failed.filter(({ reason }) => !reason);
  if (!ends || unanswered.some(({ step }) => step !== 'TOKEN' || !works)) return undefined;
  // One that login did not answer for may work.
  const mayWork = tokens.filter((token) => token.passed || unanswered.includes(token));
  const inUse = ends.filter(({ sid }) => mayWork.some(({ credentialSid }) => credentialSid === sid));
  const verdict = judgeUse(
    checks,
    failed.filter((check) => !early.includes(check)),
    endingSoon(inUse, now),
  );
  const isUncertain = unanswered.length > 0 || checks.some(({ isTemporary }) => isTemporary);
  // What else is the matter is certain.
  if (isUncertain && (verdict.status === 'HEALTHY' || verdict.reason === 'CREDENTIAL_REFUSED')) return undefined;
  return { ...verdict, isEarly: early.length > 0 };
}

/** Judges a bot that works. @param failed checks, except of credentials that Microsoft may not know yet */
function judgeUse(checks: readonly BotCheck[], failed: readonly BotCheck[], { words, hasSuccessor }: EndingSoon): HealthVerdict {
  if (words && !hasSuccessor) return { status: 'WARNING', reason: 'CREDENTIAL_EXPIRES', code: 'CREDENTIAL_EXPIRES', message: words };
  const warned = checks.find(({ warning }) => warning);
  if (warned) return { status: 'WARNING', reason: warned.warning, code: warned.code, message: warned.message };
  const [refused] = failed.filter(({ reason }) => reason);
  if (refused) return { status: 'WARNING', reason: 'CREDENTIAL_REFUSED', code: refused.code, message: refused.message };
  if (!words) return { status: 'HEALTHY' };
  return {
    status: 'HEALTHY',
    code: 'CREDENTIAL_EXPIRES',
    message: `${words} Another credential lasts longer: remove what ends before that.`,
  };
}
