import type { Refusal } from '../admission/admit.ts';
import { CHALLENGE } from '../admission/authentication.ts';
import type { ErrorCode } from '../domain/errors.ts';

/** A failed answer before it is written: REST.md "Envelopes". */
export interface Failure {
  readonly status: number;
  readonly errorCode: string;
  readonly message: string;
  /** The offending value as text. */
  readonly data?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The domain's catalogue in the contract's numbers: REST.md's table of errors. */
export const failures: Readonly<Record<ErrorCode, { readonly status: 400 | 409; readonly errorCode: string }>> = {
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
  // The graph alone sends messages, streams events and makes access tokens.
  ENTERPRISE_INACTIVE: { status: 409, errorCode: '409' },
  MESSAGE_NOT_STUCK: { status: 409, errorCode: '409' },
  ACCESS_TOKEN_NOT_FOUND: { status: 409, errorCode: '409' },
  CURSOR_INVALID: { status: 409, errorCode: '409' },
  CURSOR_EXPIRED: { status: 409, errorCode: '409' },
  STREAM_OVERFLOW: { status: 409, errorCode: '409' },
  // Neither the source nor REST.md knows the Idempotency-Key header: like our other own answers, the status is the number.
  IDEMPOTENCY_KEY_REUSED: { status: 409, errorCode: '409' },
  IDEMPOTENCY_KEY_IN_PROGRESS: { status: 409, errorCode: '409' },
};

/** Answers about the request as such, and faults. Their number is their HTTP status. */
export const refusals = {
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

export type RefusalStatus = keyof typeof refusals;

/** Ends the reading of a request with a failed answer. Thrown inside the contract only. */
export class ContractFailure extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** The failure of a refused request or a fault. `headers` are added to the answer. */
export function refusal(status: RefusalStatus, headers?: Readonly<Record<string, string>>): Failure {
  return { status, errorCode: String(status), message: refusals[status], headers };
}

/** What admission refuses: a 401 with the challenge that RFC 7235 asks for, and when to come again where that is known. */
export function refusedBy({ status, code, message, challenge = CHALLENGE, retryAfter }: Refusal): Failure {
  const headers = { ...(status === 401 && { 'www-authenticate': challenge }), ...(retryAfter && { 'retry-after': String(retryAfter) }) };
  const failed = refusal(status, headers);
  return code === 'TIMEOUT' ? { ...failed, message } : failed;
}
export const unauthorized = refusal(401, { 'www-authenticate': CHALLENGE });

/** 450: a parameter of the wrong form. `value` is repeated in the answer: leave it out where it may be secret. */
export function invalidParameter(name: string, why: string, value?: string): ContractFailure {
  return new ContractFailure({ ...failures.INVALID_PARAMETER, message: `Parameter ${name} is invalid: ${why}`, data: value });
}
