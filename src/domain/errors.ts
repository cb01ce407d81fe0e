/**
 * The catalog of expected errors. The graph returns them as members of result unions (schema/errors.ts), the contract as failure envelopes
 * (src/contract/errors.ts). Anything thrown that is not a DomainError is a fault: masked for the caller and logged with the request id.
 *
 * An error's `message` is public; if REST.md prescribes one, it is used word for word. `detail` is private and goes only to the log.
 */
export const errorCodes = {
  MISSING_PARAMETER: 'A mandatory field is missing or blank. The message names all of them.',
  INVALID_PARAMETER: 'A field or argument has an invalid value. The message says which and why.',
  PLATFORM_ERROR: 'The Restcomm platform or Microsoft refused the request or did not respond. The message says why.',
  ENTERPRISE_NOT_FOUND: 'There is no enterprise with this sid, or it is not visible to the caller.',
  MAPPING_NOT_FOUND: 'There is no mapping with this sid, or it is not visible to the caller.',
  BOT_NOT_FOUND: 'There is no bot with this sid, or it is not visible to the caller.',
  BOT_CREDENTIAL_NOT_FOUND: 'There is no credential with this sid, or it is not visible to the caller.',
  MESSAGE_NOT_FOUND: 'There is no message with this sid, or it is not visible to the caller.',
  WEBHOOK_ENDPOINT_NOT_FOUND: 'There is no webhook endpoint with this sid, or it is not visible to the caller.',
  TOO_MANY_WEBHOOK_ENDPOINTS: 'The organization, or the enterprise of its admin, has as many webhook endpoints as it may have. Delete one.',
  PERSON_HAS_MAPPINGS: 'The person has a mapping, whose number or user they are. Delete it, then erase the person.',
  IMPORT_NOT_FOUND: 'There is no import with this sid, or it is not visible to the caller.',
  IMPORT_NOT_READY: 'The import cannot run now: its file is missing or still being checked, or it is running.',
  TOO_MANY_IMPORTS: 'The organization has too many imports that are not uploaded, being checked or running. Try again later.',
  IMPORT_HAS_INVALID_ROWS: 'The import has invalid rows, so it does not run unless `skipInvalid` is set.',
  ACCOUNT_NOT_FOUND: 'The organization has no account with this sid.',
  ACCOUNT_EXISTS: 'The organization already has an account with this e-mail address, without regard to case.',
  ACCOUNT_CLOSED: 'The account is `CLOSED`, which is final.',
  OWN_ACCOUNT: "The account is the caller's own, which would lock itself out.",
  ACCESS_TOKEN_NOT_FOUND: 'The calling account or admin has no access token with this sid.',
  ENTERPRISE_NAME_NOT_UNIQUE:
    'Another enterprise of the organization has this name, without regard to case. `CLOSED` enterprises do not count.',
  EMAIL_NOT_UNIQUE: 'Another enterprise of the organization has an admin with this e-mail address. `CLOSED` enterprises do not count.',
  EXTERNAL_ADDRESS_NOT_UNIQUE:
    'The phone number is already mapped, in this or another organization. Its notation makes no difference: `+1571…`, `001571…` and `1 (571) …` are the same number.',
  MICROSOFT_ADDRESS_INVALID: "The Microsoft address is malformed, or does not belong to an enabled user of the bot's tenant.",
  ENTERPRISE_HAS_MAPPINGS: 'The enterprise has mappings, so it cannot be closed unless `deleteMappings` is set.',
  ENTERPRISE_CLOSED: 'The enterprise is `CLOSED`: it cannot be changed or given mappings or a bot.',
  ENTERPRISE_INACTIVE: 'The enterprise is `INACTIVE`, so its mappings cannot send messages.',
  SMS_TOO_LONG: 'The text is longer than the carrier accepts. The error has its length and the maximum.',
  MESSAGE_NOT_STUCK: 'The message is neither stuck nor `FAILED` for a possibly temporary reason, so it cannot be retried.',
  CURSOR_INVALID: 'The cursor does not belong to this event log.',
  CURSOR_EXPIRED: 'Events after the cursor are past their retention and deleted. Read the current state, then subscribe without a cursor.',
  STREAM_OVERFLOW: 'The client read events too slowly. Subscribe again with the last cursor received.',
  SEARCH_TOO_WIDE:
    'Too many items would have to be read before the page is full. Narrow the search: a shorter period, a further filter, or at least three letters of a text.',
  BOT_EXISTS: 'The enterprise already has a bot.',
  IDEMPOTENCY_KEY_REUSED: 'The idempotency key was used in the last 24 hours with another mutation or input.',
  IDEMPOTENCY_KEY_IN_PROGRESS: 'The first request with this idempotency key has not finished yet. Repeat it shortly.',
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** One problem of an input. `path` is the field's path from the input object, e.g. `['enterpriseAdmin', 'email']`. */
export interface InputIssue {
  readonly path: readonly string[];
  readonly message: string;
}

interface DomainErrorOptions {
  /** The offending value as text. */
  readonly value?: string;
  /** The input field that the value came from. */
  readonly path?: readonly string[];
  /** Private text for the log, never in an answer. */
  readonly detail?: string;
  readonly cause?: unknown;
}

/** An expected error. The domain throws it, and each face returns it in its own form. */
export class DomainError extends Error {
  readonly code: ErrorCode;
  readonly value: string | undefined;
  /** The input field that the value came from. Not called `path`, because graphql would treat the error as already located. */
  readonly parameter: readonly string[] | undefined;
  readonly detail: string | undefined;

  constructor(code: ErrorCode, message: string, options: DomainErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.value = options.value;
    this.parameter = options.path;
    this.detail = options.detail;
  }
}

/** The input is incomplete or malformed (451, 450). Nothing was changed. */
export class InvalidInputError extends DomainError {
  readonly issues: readonly InputIssue[];

  constructor(code: 'MISSING_PARAMETER' | 'INVALID_PARAMETER', message: string, issues: readonly InputIssue[], value?: string) {
    super(code, message, { value, path: issues[0]?.path });
    this.issues = issues;
  }
}

/** There is no object with this sid in the caller's organization (4051, 480, 481). Whether another organization has one is never revealed. */
export class NotFoundError extends DomainError {}

/** The request conflicts with the data stored here or at Microsoft. */
export class ConflictError extends DomainError {}

/** A search that would read too much (400). The same one with narrower conditions, or an earlier page of it, can be answered. */
export class SearchTooWideError extends DomainError {
  constructor() {
    super(
      'SEARCH_TOO_WIDE',
      'The search is too wide: narrow it to a shorter period, add a filter, or give at least three letters of a text; for deep pages, continue after a cursor',
    );
  }
}

/** A text that the carrier would cut or refuse (450). Nothing was stored. */
export class SmsTooLongError extends DomainError {
  constructor(
    message: string,
    path: readonly string[],
    /** Of the text. */
    readonly size: { readonly characters: number; readonly segments: number },
    /** The carrier's; without segments, as many as the characters make. */
    readonly max: { readonly characters: number; readonly segments?: number },
  ) {
    super('SMS_TOO_LONG', message, { path });
  }
}

/** An outside platform refused the request or did not respond (452). Nothing was stored. */
export class PlatformError extends DomainError {
  constructor(message: string, options: DomainErrorOptions = {}) {
    super('PLATFORM_ERROR', message, options);
  }
}

/** The cause of a PlatformError: the account is CLOSED on the platform, which is final there. */
export const ACCOUNT_CLOSED = { reason: 'ACCOUNT_CLOSED' } as const;

export const enterpriseNotFound = (sid: string, path = ['sid']) =>
  new NotFoundError('ENTERPRISE_NOT_FOUND', 'Enterprise not found', { value: sid, path });
export const mappingNotFound = (sid: string, path = ['sid']) =>
  new NotFoundError('MAPPING_NOT_FOUND', 'Mapping Id not found', { value: sid, path });
export const botNotFound = (sid: string) =>
  new NotFoundError('BOT_NOT_FOUND', 'There is no Details added for this Bot', { value: sid, path: ['sid'] });
export const credentialNotFound = (sid: string) =>
  new NotFoundError('BOT_CREDENTIAL_NOT_FOUND', 'Credential not found', { value: sid, path: ['sid'] });
export const messageNotFound = (sid: string) =>
  new NotFoundError('MESSAGE_NOT_FOUND', 'Message Id not found', { value: sid, path: ['sid'] });
export const accessTokenNotFound = (sid: string) =>
  new NotFoundError('ACCESS_TOKEN_NOT_FOUND', 'Access token not found', { value: sid, path: ['sid'] });
export const importNotFound = (sid: string) => new NotFoundError('IMPORT_NOT_FOUND', 'Import not found', { value: sid, path: ['sid'] });
export const webhookEndpointNotFound = (sid: string) =>
  new NotFoundError('WEBHOOK_ENDPOINT_NOT_FOUND', 'Webhook endpoint not found', { value: sid, path: ['sid'] });
export const accountNotFound = (sid: string) => new NotFoundError('ACCOUNT_NOT_FOUND', 'Account not found', { value: sid, path: ['sid'] });
export const enterpriseClosed = (sid: string, path = ['sid']) =>
  new ConflictError('ENTERPRISE_CLOSED', 'Enterprise is CLOSED', { value: sid, path });
