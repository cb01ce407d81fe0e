import { type Refusal, refusalHeaders } from '../admission/admit.ts';
import { CHALLENGE } from '../admission/authentication.ts';
import type { ErrorCode } from '../domain/errors.ts';

/** The content of a failure response (REST.md, Envelopes). */
export interface Failure {
  readonly status: number;
  readonly errorCode: string;
  readonly message: string;
  /** The offending value. */
  readonly data?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The contract's number of each error of the domain (REST.md, Envelopes). */
export const errorNumbers: Readonly<Record<ErrorCode, { readonly status: 400 | 409; readonly errorCode: string }>> = {
  MISSING_PARAMETER: { status: 400, errorCode: '451' },
  INVALID_PARAMETER: { status: 400, errorCode: '450' },
  PLATFORM_ERROR: { status: 400, errorCode: '452' },
  ENTERPRISE_NOT_FOUND: { status: 409, errorCode: '4051' },
  MAPPING_NOT_FOUND: { status: 409, errorCode: '480' },
  BOT_NOT_FOUND: { status: 409, errorCode: '481' },
  MESSAGE_NOT_FOUND: { status: 409, errorCode: '481' },
  ENTERPRISE_NAME_NOT_UNIQUE: { status: 409, errorCode: '4050' },
  EMAIL_NOT_UNIQUE: { status: 409, errorCode: '4001' },
  EXTERNAL_ADDRESS_NOT_UNIQUE: { status: 409, errorCode: '482' },
  MICROSOFT_ADDRESS_INVALID: { status: 409, errorCode: '485' },
  ENTERPRISE_HAS_MAPPINGS: { status: 409, errorCode: '4052' },
  ENTERPRISE_CLOSED: { status: 409, errorCode: '4053' },
  BOT_EXISTS: { status: 409, errorCode: '483' },
  // Only the graph adds credentials, sends messages, streams events, creates access tokens, manages accounts, imports and webhook endpoints.
  BOT_CREDENTIAL_NOT_FOUND: { status: 409, errorCode: '409' },
  SMS_TOO_LONG: { status: 400, errorCode: '450' },
  ENTERPRISE_INACTIVE: { status: 409, errorCode: '409' },
  MESSAGE_NOT_STUCK: { status: 409, errorCode: '409' },
  PERSON_HAS_MAPPINGS: { status: 409, errorCode: '409' },
  WEBHOOK_ENDPOINT_NOT_FOUND: { status: 409, errorCode: '409' },
  TOO_MANY_WEBHOOK_ENDPOINTS: { status: 409, errorCode: '409' },
  IMPORT_NOT_FOUND: { status: 409, errorCode: '409' },
  IMPORT_NOT_READY: { status: 409, errorCode: '409' },
  TOO_MANY_IMPORTS: { status: 409, errorCode: '409' },
  IMPORT_HAS_INVALID_ROWS: { status: 409, errorCode: '409' },
  ACCOUNT_NOT_FOUND: { status: 409, errorCode: '409' },
  ACCOUNT_EXISTS: { status: 409, errorCode: '409' },
  ACCOUNT_CLOSED: { status: 409, errorCode: '409' },
  OWN_ACCOUNT: { status: 409, errorCode: '409' },
  ACCESS_TOKEN_NOT_FOUND: { status: 409, errorCode: '409' },
  CURSOR_INVALID: { status: 409, errorCode: '409' },
  CURSOR_EXPIRED: { status: 409, errorCode: '409' },
  STREAM_OVERFLOW: { status: 409, errorCode: '409' },
  // REST.md has no bounds on searches and no Idempotency-Key header. As for other errors that it does not define, the number is the status.
  SEARCH_TOO_WIDE: { status: 400, errorCode: '400' },
  IDEMPOTENCY_KEY_REUSED: { status: 409, errorCode: '409' },
  IDEMPOTENCY_KEY_IN_PROGRESS: { status: 409, errorCode: '409' },
};

/** Messages of errors that concern no value of the request, by HTTP status, which is also their number. */
export const refusalMessages = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  413: 'Payload Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
} as const;

export type RefusalStatus = keyof typeof refusalMessages;

/** Thrown while a request is read, and caught by the handler. */
export class ContractFailure extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** @param headers of the response */
export function refusal(status: RefusalStatus, headers?: Readonly<Record<string, string>>): Failure {
  return { status, errorCode: String(status), message: refusalMessages[status], headers };
}

/** The failure for a request that admission refuses. Only a timeout has a message of its own. */
export function refusedByAdmission(refused: Refusal): Failure {
  const failure = refusal(refused.status, refusalHeaders(refused));
  return refused.code === 'TIMEOUT' ? { ...failure, message: refused.message } : failure;
}

export const unauthorized = refusal(401, { 'www-authenticate': CHALLENGE });

/**
 * 450: a parameter in the wrong form.
 * @param why completes "Parameter x is invalid: …"
 * @param value for the response's `data`; leave it out if it may be a secret
 */
export function invalidParameter(name: string, why: string, value?: string): ContractFailure {
  return new ContractFailure({ ...errorNumbers.INVALID_PARAMETER, message: `Parameter ${name} is invalid: ${why}`, data: value });
}
