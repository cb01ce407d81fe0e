/**
 * The one catalogue of errors that the gateway gives on purpose. The graph shows them as members of result unions
 * (schema/errors.ts), the contract as envelopes (src/contract/errors.ts). Whatever is thrown and is not a DomainError is
 * a fault: masked for the caller, logged with the request id.
 *
 * `message` is public and, where REST.md gives one, its wording to the letter. `detail` is private and only logged.
 */
export const errorCodes = {
  MISSING_PARAMETER: 'One or more mandatory parameters are missing; the message names each.',
  INVALID_PARAMETER: 'A parameter has the wrong form; the message says which and why.',
  PLATFORM_ERROR: 'The Restcomm platform or Microsoft refused or did not answer; the message is theirs.',
  ENTERPRISE_NOT_FOUND: 'No enterprise of your organization has this sid.',
  MAPPING_NOT_FOUND: 'No mapping of your organization has this sid.',
  BOT_NOT_FOUND: 'No bot of your organization has this sid.',
  MESSAGE_NOT_FOUND: 'No message of your organization has this sid.',
  ACCESS_TOKEN_NOT_FOUND: 'No access token of your account has this sid.',
  ENTERPRISE_NAME_NOT_UNIQUE: 'Another enterprise of your organization has this name (CLOSED ones not counted, case ignored).',
  EMAIL_NOT_UNIQUE: 'The e-mail is already the admin of another enterprise.',
  EXTERNAL_ADDRESS_NOT_UNIQUE: 'The number is already mapped, compared by its digits in the whole system.',
  MICROSOFT_ADDRESS_INVALID: "The address is malformed, or not a user of the enterprise's Microsoft tenant.",
  ENTERPRISE_HAS_MAPPINGS: 'An enterprise with mappings can not be closed.',
  ENTERPRISE_CLOSED: 'A CLOSED enterprise can not be changed, nor get mappings or a bot.',
  ENTERPRISE_INACTIVE: 'The mappings of an INACTIVE enterprise do not work.',
  MESSAGE_NOT_STUCK: 'Only a stuck message can be retried.',
  CURSOR_INVALID: 'The cursor is not one of this event log.',
  CURSOR_EXPIRED: 'Events behind the cursor are deleted. Read the present state, then subscribe without a cursor.',
  STREAM_OVERFLOW: 'You read slower than events come. Subscribe again from your last cursor.',
  BOT_EXISTS: 'The enterprise already has a bot.',
  IDEMPOTENCY_KEY_REUSED: 'The idempotency key was used within 24 hours with another operation or input.',
  IDEMPOTENCY_KEY_IN_PROGRESS: 'The first request with this idempotency key is still being worked on; repeat it shortly.',
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** One thing that is wrong with an input: `path` from the input object, e.g. `['enterpriseAdmin', 'emailId']`. */
export interface InputIssue {
  readonly path: readonly string[];
  readonly message: string;
}

/** What an error says: `value` is the offending value as text, `path` the input field it came from. */
export interface DomainErrorOptions {
  readonly value?: string;
  readonly path?: readonly string[];
  /** Private text for the log, never shown. */
  readonly detail?: string;
  readonly cause?: unknown;
}

/** An error given on purpose. Thrown by the domain, shown by each face in its own form. */
export class DomainError extends Error {
  readonly code: ErrorCode;
  readonly value: string | undefined;
  /** The input field. Not called `path`: GraphQL takes an error with one for an error that it has located already. */
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

/** 451 and 450: the input is incomplete or malformed. Nothing was done. */
export class InvalidInputError extends DomainError {
  readonly issues: readonly InputIssue[];

  constructor(code: 'MISSING_PARAMETER' | 'INVALID_PARAMETER', message: string, issues: readonly InputIssue[], value?: string) {
    super(code, message, { value, path: issues[0]?.path });
    this.issues = issues;
  }
}

/** 4051, 480 and 481: unknown, or another organization's: the two are never told apart. */
export class NotFoundError extends DomainError {}

/** The request contradicts what is stored, or what Microsoft knows. */
export class ConflictError extends DomainError {}

/** 452: an outside platform refused or did not answer. Nothing was kept. */
export class PlatformError extends DomainError {
  constructor(message: string, options: DomainErrorOptions = {}) {
    super('PLATFORM_ERROR', message, options);
  }
}

export const enterpriseNotFound = (sid: string, path = ['sid']) =>
  new NotFoundError('ENTERPRISE_NOT_FOUND', 'Enterprise not found', { value: sid, path });
export const mappingNotFound = (sid: string, path = ['sid']) =>
  new NotFoundError('MAPPING_NOT_FOUND', 'Mapping Id not found', { value: sid, path });
export const botNotFound = (sid: string) =>
  new NotFoundError('BOT_NOT_FOUND', 'There is no Details added for this Bot', { value: sid, path: ['sid'] });
export const messageNotFound = (sid: string) =>
  new NotFoundError('MESSAGE_NOT_FOUND', 'Message Id not found', { value: sid, path: ['sid'] });
export const accessTokenNotFound = (sid: string) =>
  new NotFoundError('ACCESS_TOKEN_NOT_FOUND', 'Access token not found', { value: sid, path: ['sid'] });
export const enterpriseClosed = (sid: string, path = ['sid']) =>
  new ConflictError('ENTERPRISE_CLOSED', 'Enterprise is CLOSED', { value: sid, path });
