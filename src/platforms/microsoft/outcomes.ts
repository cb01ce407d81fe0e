import { CurableError, DeliveryError, type DeliveryOutcome } from '../delivery-error.ts';
import type { MicrosoftRefusal } from './refusal.ts';

// docs/exchange.md has these tables with the source of each row. A test compares the two.

type Curable = ConstructorParameters<typeof CurableError>[0];
/** What a refusal means for the message: an outcome, or the reason why it waits. */
type MicrosoftOutcome = Exclude<DeliveryOutcome, 'curable'> | { readonly waitsFor: Curable };

/** Login's refusals. All others are `BOT_CREDENTIALS` as well: none of them says anything about the message. */
export const LOGIN_CODES: Readonly<Record<string, MicrosoftOutcome>> = {
  AADSTS7000222: { waitsFor: 'BOT_CREDENTIALS' },
  AADSTS7000215: { waitsFor: 'BOT_CREDENTIALS' },
  AADSTS700016: { waitsFor: 'BOT_CREDENTIALS' },
  AADSTS7000112: { waitsFor: 'BOT_CREDENTIALS' },
  AADSTS53003: { waitsFor: 'BOT_CREDENTIALS' },
  AADSTS90002: { waitsFor: 'BOT_CREDENTIALS' },
  AADSTS50033: 'retry',
  AADSTS50196: 'retry',
  AADSTS90006: 'retry',
  AADSTS90024: 'retry',
  AADSTS90033: 'retry',
  AADSTS90055: 'retry',
  temporarily_unavailable: 'retry',
  server_error: 'retry',
};

/** The connector's refusals by code. */
export const CONNECTOR_CODES: Readonly<Record<string, MicrosoftOutcome>> = {
  ConversationBlockedByUser: 'refused',
  MessageSizeTooBig: 'refused',
  ConversationNotFound: 'retry',
  BotNotInConversationRoster: { waitsFor: 'APP_NOT_INSTALLED' },
  ForbiddenOperationException: { waitsFor: 'APP_NOT_INSTALLED' },
  MessageWritesBlocked: { waitsFor: 'APP_NOT_INSTALLED' },
  BotDisabledByAdmin: { waitsFor: 'BOT_BLOCKED' },
  NotEnoughPermissions: { waitsFor: 'BOT_BLOCKED' },
  BotNotRegistered: { waitsFor: 'BOT_NOT_REGISTERED' },
  InvalidBotApiHost: { waitsFor: 'SERVICE_URL' },
  ServiceUrlNotAllowed: { waitsFor: 'SERVICE_URL' },
};

/** The connector's refusals of what it was given, by code. To open a conversation, it is given the bot, the tenant and the user, and no message. */
export const REQUEST_CODES: Readonly<Record<string, { readonly opening: MicrosoftOutcome; readonly posting: MicrosoftOutcome }>> = {
  BadSyntax: { opening: { waitsFor: 'USER_UNKNOWN' }, posting: 'refused' },
  BadArgument: { opening: { waitsFor: 'USER_UNKNOWN' }, posting: 'refused' },
  'Bad Argument': { opening: { waitsFor: 'USER_UNKNOWN' }, posting: 'refused' },
};

/**
 * The connector's refusals by status, for other codes. Of statuses that are not here, those below 400 are `SERVICE_URL`, and the other 4xx final for a
 * message and `USER_UNKNOWN` for opening a conversation.
 */
export const CONNECTOR_STATUSES: Readonly<Record<number, { readonly opening: MicrosoftOutcome; readonly posting: MicrosoftOutcome }>> = {
  401: { opening: { waitsFor: 'BOT_CREDENTIALS' }, posting: { waitsFor: 'BOT_CREDENTIALS' } },
  403: { opening: { waitsFor: 'BOT_BLOCKED' }, posting: { waitsFor: 'BOT_BLOCKED' } },
  404: { opening: 'retry', posting: 'retry' },
  408: { opening: 'retry', posting: 'unknown' },
  409: { opening: 'retry', posting: 'retry' },
  410: { opening: 'retry', posting: 'retry' },
  412: { opening: 'retry', posting: 'retry' },
  421: { opening: 'retry', posting: 'retry' },
  425: { opening: 'retry', posting: 'retry' },
  429: { opening: 'retry', posting: 'retry' },
  500: { opening: 'retry', posting: 'unknown' },
  502: { opening: 'retry', posting: 'unknown' },
  503: { opening: 'retry', posting: 'unknown' },
  504: { opening: 'retry', posting: 'unknown' },
};

/** Graph's refusals to say who a user is, by status. All others may pass. */
export const GRAPH_STATUSES: Readonly<Record<number, MicrosoftOutcome>> = {
  400: { waitsFor: 'USER_UNKNOWN' },
  401: { waitsFor: 'BOT_CREDENTIALS' },
  403: { waitsFor: 'GRAPH_PERMISSION' },
  404: { waitsFor: 'USER_UNKNOWN' },
};

/** Refusals of credentials that Microsoft may only not know yet: they are copied to all of its login servers within minutes. */
export const MAY_BE_TOO_NEW: ReadonlySet<string> = new Set(['AADSTS7000215', 'AADSTS700016', 'AADSTS700027']);

/**
 * Classifies a refusal to issue a token.
 * @param error OAuth's word for it, which is less exact than the refusal's code
 */
export function loginError(status: number, refusal: MicrosoftRefusal, error: unknown, retryAfterMs?: number): DeliveryError {
  const isPassing = status === 408 || status === 429 || status >= 500;
  const known = entryOf(LOGIN_CODES, refusal.code) ?? entryOf(LOGIN_CODES, String(error));
  return errorOf(isPassing ? 'retry' : (known ?? { waitsFor: 'BOT_CREDENTIALS' }), refusal, retryAfterMs);
}

/** Classifies the connector's refusal to open a conversation, which can be repeated, or to post an activity, which cannot. */
export function connectorError(
  request: 'opening' | 'posting',
  status: number,
  refusal: MicrosoftRefusal,
  retryAfterMs: number | undefined,
): DeliveryError {
  // What a failing connector says of the message is no verdict.
  const isFailing = status === 408 || status >= 500;
  const known = isFailing ? undefined : (entryOf(CONNECTOR_CODES, refusal.code) ?? entryOf(REQUEST_CODES, refusal.code)?.[request]);
  return errorOf(known ?? meaningOfStatus(request, status), refusal, retryAfterMs);
}

/** A code may be any word, such as `constructor`. */
const entryOf = <Entry>(table: Readonly<Record<string, Entry>>, code: string): Entry | undefined =>
  Object.hasOwn(table, code) ? table[code] : undefined;

function meaningOfStatus(request: 'opening' | 'posting', status: number): MicrosoftOutcome {
  const known = CONNECTOR_STATUSES[status]?.[request];
  if (known) return known;
  if (status < 400) return { waitsFor: 'SERVICE_URL' };
  if (status < 500) return request === 'posting' ? 'refused' : { waitsFor: 'USER_UNKNOWN' };
  return request === 'posting' ? 'unknown' : 'retry';
}

/** Classifies Graph's refusal to look up a user. */
export const graphError = (status: number, refusal: MicrosoftRefusal, retryAfterMs: number | undefined): DeliveryError =>
  errorOf(GRAPH_STATUSES[status] ?? 'retry', refusal, retryAfterMs);

function errorOf(meaning: MicrosoftOutcome, { code, message }: MicrosoftRefusal, retryAfterMs: number | undefined): DeliveryError {
  return typeof meaning === 'object'
    ? new CurableError(meaning.waitsFor, code, message, retryAfterMs)
    : new DeliveryError(meaning, code, message, retryAfterMs);
}
