/** Lost or never made connections (08), no room (53: disk, memory, connections), a system's error (58). */
const SQL_CLASSES = /^(08|53|58)[0-9A-Z]{3}$/;
/** Shutting down, crashed, starting up, dropped, idle too long; a statement or a transaction that took too long; a standby, which takes no writes. */
const SQL_STATES = new Set(['57P01', '57P02', '57P03', '57P04', '57P05', '57014', '25P03', '25P04', '25006']);
const SOCKET_CODES = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN'],
  ...['EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN', 'ECONNABORTED'],
]);
/** Prisma's codes, of an error by itself, and the kinds by which its adapter tells the same of a raw query. */
const PRISMA_CODES = new Set(['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2037']);
const ADAPTER_KINDS = new Set(['DatabaseNotReachable', 'SocketTimeout', 'ConnectionClosed', 'TooManyConnections']);
/** Of a transaction that got no connection in time, or lasted too long: P2028 says other things, too. */
const TRANSACTION_TIME = /Unable to start a transaction in the given time|The timeout for this transaction/;
/** What pg and its pool say without a code. */
const SENTENCES = new Set([
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
 * Says an error of the database that it can't be used for the moment: not reached, shutting down or starting, full, or too slow? The one place
 * that knows how pg, its pool and Prisma tell so. Nothing was wrong with the request, which can be repeated.
 */
export function isUnavailable(error: unknown): boolean {
  // Of a host with several addresses, none of which can be reached.
  if (error instanceof AggregateError) return error.errors.some(isUnavailable);
  if (!(error instanceof Error)) return false;
  const { code = '', severity, syscall, meta, cause } = error as Told;
  const adapter = meta?.driverAdapterError?.cause ?? (error.name === 'DriverAdapterError' ? cause : undefined);
  return (
    (severity !== undefined && isState(code)) ||
    SOCKET_CODES.has(code) ||
    // A Unix socket that nobody has made yet.
    (code === 'ENOENT' && syscall === 'connect') ||
    PRISMA_CODES.has(code) ||
    (code === 'P2028' && TRANSACTION_TIME.test(error.message)) ||
    ADAPTER_KINDS.has(adapter?.kind ?? '') ||
    isState(adapter?.originalCode ?? '') ||
    SENTENCES.has(error.message)
  );
}

const isState = (code: string) => SQL_STATES.has(code) || SQL_CLASSES.test(code);

interface AdapterCause {
  readonly kind?: string;
  readonly originalCode?: string;
}
interface Told {
  readonly code?: string;
  /** Of what the server says. */
  readonly severity?: string;
  readonly syscall?: string;
  readonly meta?: { readonly driverAdapterError?: { readonly cause?: AdapterCause } };
  readonly cause?: AdapterCause;
}
