import { type DestinationStream, type Logger, pino } from 'pino';

/**
 * Creates the log. Errors are logged with type, code, stack and message, without secrets or personal content (texts, numbers, addresses): values that
 * a message quotes are removed, and a database error that may contain a row is reduced to its code.
 * @param level pino's name of the lowest level to log
 * @param mixin returns further fields of a line
 */
export function createLog(level: string, destination?: DestinationStream, mixin?: () => object): Logger {
  const options = { level, serializers: { err: serializeError }, mixin };
  return destination ? pino(options, destination) : pino(options);
}

/** How many levels of causes are logged. */
const MAX_DEPTH = 4;

function serializeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return typeof error === 'object' ? 'not an error' : redactQuotes(String(error));
  const { code, cause } = error as NodeJS.ErrnoException & { cause?: unknown };
  return {
    type: error.name,
    code: typeof code === 'string' ? code : undefined,
    message: messageOf(error),
    detail: detailOf(error),
    stack: framesOf(error),
    cause: cause instanceof Error && depth < MAX_DEPTH ? serializeError(cause, depth + 1) : undefined,
    errors: error instanceof AggregateError && depth < MAX_DEPTH ? error.errors.map((one) => serializeError(one, depth + 1)) : undefined,
  };
}

/** The SQLSTATE classes of errors that quote no values: connections, transactions, syntax and access rules, resources, the system. */
const QUOTES_NO_VALUE = /^(08|25|40|42|53|54|55|57|58)/;

function messageOf(error: Error): string {
  const { about, sqlState = '', text } = databaseErrorOf(error) ?? {};
  if (about === undefined) return redactQuotes(error.message);
  const safeText = text && QUOTES_NO_VALUE.test(sqlState) ? redactQuotes(text.replace(/\(.*$/s, '…')) : undefined;
  return [about, sqlState, safeText].filter(Boolean).join(' ');
}

/** The private detail of an expected error. PostgreSQL's errors have one of their own, which quotes the row. */
function detailOf(error: Error): string | undefined {
  const { detail } = error as { detail?: unknown };
  return typeof detail === 'string' && !databaseErrorOf(error) ? redactQuotes(detail) : undefined;
}

interface DatabaseError {
  /** The part that is safe to log: `database error`, and the names of model, constraint and fields. */
  readonly about: string;
  readonly sqlState?: string;
  /** PostgreSQL's message, which may quote values. */
  readonly text?: string;
}

/** Reads an error of the pg driver, or of Prisma; `undefined` for any other. */
function databaseErrorOf(error: Error): DatabaseError | undefined {
  const { meta, severity, code, constraint } = error as { meta?: Meta; severity?: string; code?: string; constraint?: string };
  if (severity !== undefined)
    return { about: ['database error', constraint].filter(Boolean).join(' '), sqlState: code, text: error.message };
  if (!error.name.startsWith('PrismaClient') && error.name !== 'DriverAdapterError') return undefined;
  const cause = meta?.driverAdapterError?.cause ?? (error as { cause?: LoggedCause }).cause;
  const about = ['database error', meta?.modelName, cause?.kind, cause?.constraint?.index, ...(cause?.constraint?.fields ?? [])];
  return { about: about.filter(Boolean).join(' '), sqlState: cause?.originalCode, text: cause?.originalMessage };
}

interface LoggedCause {
  readonly kind?: string;
  readonly originalCode?: string;
  readonly originalMessage?: string;
  readonly constraint?: { readonly index?: string; readonly fields?: readonly string[] };
}
interface Meta {
  readonly modelName?: string;
  readonly driverAdapterError?: { readonly cause?: LoggedCause };
}

const MAX_MESSAGE_LENGTH = 500;
/** An identifier, as node's own errors quote them: `reading 'sid'`. */
const IDENTIFIER = /^[A-Za-z_$][A-Za-z_$.]{0,30}$/;

/** Removes from a message all text in quotes or brackets, credentials in URLs, e-mail addresses, and possible phone numbers. */
function redactQuotes(message: string): string {
  return message
    .slice(0, MAX_MESSAGE_LENGTH)
    .replace(/\{.*\}|\[.*\]/gs, '{…}')
    .replace(/(["'`])(.*?)\1/gs, (whole, quote: string, inner: string) => (IDENTIFIER.test(inner) ? whole : `${quote}…${quote}`))
    .replace(/["`].*$/s, '…')
    .replace(/\/\/[^\s/@]*@/g, '//…@')
    .replace(/[^\s@]+@[^\s@]+/g, '…@…')
    .replace(/(?<![\w-])\+?\d{6,}(?![\w-])/g, '…');
}

/** Reads the frames of a stack, without the message that it begins with. */
function framesOf({ stack = '', name, message }: Error): string {
  const frames = stack.startsWith(`${name}: ${message}`) ? stack.slice(name.length + 2 + message.length) : stack;
  return frames
    .split('\n')
    .filter((line) => /^ {4}at .*(:\d+:\d+\)?|\(<anonymous>\)|native\))$/.test(line))
    .join('\n');
}
