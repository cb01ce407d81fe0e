import { LostInterestError } from './interest.ts';

/** SQLSTATE classes: connection exception (08), insufficient resources (53: disk, memory, connections), system error (58). */
const SQL_CLASSES = /^(08|53|58)[0-9A-Z]{3}$/;
/**
 * SQLSTATEs: shutting down, crashed, starting up, database dropped, idle too long; a statement or transaction that took too long; a standby, which takes
 * no writes.
 */
const SQL_STATES = new Set(['57P01', '57P02', '57P03', '57P04', '57P05', '57014', '25P03', '25P04', '25006']);
const SOCKET_CODES = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN'],
  ...['EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN', 'ECONNABORTED'],
]);
/** Prisma's own error codes, and the kinds of its adapter's errors in raw queries. */
const PRISMA_CODES = new Set(['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2037']);
const ADAPTER_KINDS = new Set(['DatabaseNotReachable', 'SocketTimeout', 'ConnectionClosed', 'TooManyConnections']);
/** The messages of P2028 for a transaction that got no connection in time, or took too long. P2028 has other meanings, too. */
const NO_CONNECTION = 'Unable to start a transaction in the given time';
const TOO_LONG = 'The timeout for this transaction';
/** The messages of errors of pg and its pool that have no code. */
const MESSAGES = new Set([
  'timeout exceeded when trying to connect',
  'timeout expired',
  'Query read timeout',
  'Connection terminated',
  'Connection terminated unexpectedly',
  'Connection terminated due to connection timeout',
  'Client has encountered a connection error and is not queryable',
  'Client was closed and is not queryable',
  'Cannot use a pool after calling end on the pool',
]);

/**
 * Whether an error means that the database is temporarily unavailable: unreachable, shutting down, starting, full, or too slow. The request was not at
 * fault and can be repeated. Only this module knows these errors of pg, its pool and Prisma.
 */
export function isUnavailable(error: unknown): boolean {
  // None of a host's addresses can be reached.
  if (error instanceof AggregateError) return error.errors.some(isUnavailable);
  if (error instanceof LostInterestError) return true;
  if (!(error instanceof Error)) return false;
  const { code = '', severity, syscall } = error as DatabaseErrorFields;
  const adapter = adapterCauseOf(error);
  return (
    (severity !== undefined && isState(code)) ||
    SOCKET_CODES.has(code) ||
    // A Unix socket that does not exist yet.
    (code === 'ENOENT' && syscall === 'connect') ||
    PRISMA_CODES.has(code) ||
    (code === 'P2028' && (error.message.includes(NO_CONNECTION) || error.message.includes(TOO_LONG))) ||
    ADAPTER_KINDS.has(adapter?.kind ?? '') ||
    isState(adapter?.originalCode ?? '') ||
    MESSAGES.has(error.message)
  );
}

/** Whether the server has broken off a transaction that waited for another one, which waited for it. It was not at fault, and can be repeated at once. */
export function isDeadlock(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (error as DatabaseErrorFields).code === 'P2034' || hasState(error, DEADLOCK);
}

/** Whether a statement or a transaction took longer than it may. One that does less at once may not. */
export function isTimedOut(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ((error as DatabaseErrorFields).code === 'P2028' && error.message.includes(TOO_LONG)) || hasState(error, TIMED_OUT);
}

const DEADLOCK = '40P01';
const TIMED_OUT = '57014';
/** Whether it is the server's error with this SQLSTATE, as pg throws it or as Prisma does. */
function hasState(error: Error, state: string): boolean {
  const { code, severity } = error as DatabaseErrorFields;
  return (severity !== undefined && code === state) || adapterCauseOf(error)?.originalCode === state;
}
function adapterCauseOf(error: Error): AdapterCause | undefined {
  const { meta, cause } = error as DatabaseErrorFields;
  return meta?.driverAdapterError?.cause ?? (error.name === 'DriverAdapterError' ? cause : undefined);
}
const isState = (code: string) => SQL_STATES.has(code) || SQL_CLASSES.test(code);

interface AdapterCause {
  readonly kind?: string;
  readonly originalCode?: string;
}
interface DatabaseErrorFields {
  readonly code?: string;
  /** Present only in the server's own errors. */
  readonly severity?: string;
  readonly syscall?: string;
  readonly meta?: { readonly driverAdapterError?: { readonly cause?: AdapterCause } };
  readonly cause?: AdapterCause;
}
