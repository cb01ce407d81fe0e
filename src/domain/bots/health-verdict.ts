import { type BotCheck, type BotFault, botFaults } from '../../platforms/microsoft/microsoft.ts';
import { MAY_BE_TOO_NEW } from '../../platforms/microsoft/outcomes.ts';
import { HOLDS } from '../waiting.ts';
import { type End, lastEnd } from './credential-ends.ts';

/**
 * How a bot is.
 * - `UNKNOWN`: not checked yet, or Microsoft did not respond
 * - `HEALTHY`: Microsoft takes its credentials
 * - `WARNING`: it works, but will stop unless somebody does something
 * - `UNHEALTHY`: its messages wait
 */
export const healthStatuses = ['UNKNOWN', 'HEALTHY', 'WARNING', 'UNHEALTHY'] as const;
export type HealthStatus = (typeof healthStatuses)[number];

/** What is the matter with a bot, and what cures it. */
export interface HealthVerdict {
  readonly status: HealthStatus;
  readonly reason?: HealthReason;
  /** Microsoft's code, or the gateway's own. */
  readonly code?: string;
  readonly message?: string;
}

const WARNINGS = {
  CREDENTIAL_EXPIRES:
    'Add a new secret or certificate with `addBotSecret` or `addBotCertificate`, or give another one with `updateBot`, with its end, before the old one ends.',
  CREDENTIAL_REFUSED:
    'Remove the credential that Microsoft refuses with `removeBotCredential`, or the client secret with `updateBot` and `removeClientSecret`; another one works.',
} as const;
type Warning = keyof typeof WARNINGS;

/** Why a bot is not healthy. */
export const healthReasons = [...botFaults, ...(Object.keys(WARNINGS) as Warning[])] as const;
export type HealthReason = BotFault | Warning;

/** What cures a bot's trouble. @returns `null` if nothing is the matter */
export function cureOf(reason: string | null): string | null {
  if (reason === null) return null;
  const fault = botFaults.find((known) => known === reason);
  return fault ? HOLDS[fault].cure : (WARNINGS[reason as Warning] ?? null);
}

/** How long before a credential ends its bot's health warns, in ms. */
const WARN_BEFORE_MS = 30 * 24 * 60 * 60_000;

/**
 * Judges a bot by its checks and the ends of its credentials.
 * @param isNew whether Microsoft may not know its credentials yet
 * @returns `undefined` if the checks do not tell: Microsoft did not respond
 */
export function judge(checks: readonly BotCheck[], ends: readonly End[], isNew: boolean, now = Date.now()): HealthVerdict | undefined {
  const tokens = checks.filter(({ step }) => step === 'TOKEN');
  // What the others find keeps no message waiting.
  const failed = checks.filter(({ step, passed }) => !passed && ['TOKEN', 'GRAPH', 'CONNECTOR'].includes(step));
  const works = tokens.some(({ passed }) => passed);
  const grave = failed.filter(({ step, reason }) => reason && (step !== 'TOKEN' || !works));
  const [first] = grave;
  if (first && isNew && MAY_BE_TOO_NEW.has(first.code ?? '')) return undefined;
  if (first) return { status: 'UNHEALTHY', reason: first.reason, code: first.code, message: first.message };
  if (failed.some(({ step, reason }) => !reason && (step !== 'TOKEN' || !works))) return undefined;
  const last = lastEnd(ends.filter(({ sid }) => tokens.some(({ passed, credentialSid }) => passed && credentialSid === sid)));
  if (last && last.expires.getTime() - now <= WARN_BEFORE_MS) {
    const words = `${last.what} ends on ${last.expires.toISOString().slice(0, 10)}.`;
    return { status: 'WARNING', reason: 'CREDENTIAL_EXPIRES', code: 'CREDENTIAL_EXPIRES', message: words };
  }
  const [refused] = failed.filter(({ reason }) => reason);
  if (refused) return { status: 'WARNING', reason: 'CREDENTIAL_REFUSED', code: refused.code, message: refused.message };
  return { status: 'HEALTHY' };
}
