import { type DestinationStream, type Logger, pino } from 'pino';

/**
 * The log. Errors are written so that no secret and nobody's message, number or address gets in by what they quote: by name, code and stack, their
 * message without what it quotes, and of the database's errors its code alone where the message may hold a row.
 */
export function createLog(level: string, destination?: DestinationStream): Logger {
  const options = { level, serializers: { err: described } };
  return destination ? pino(options, destination) : pino(options);
}

/** How deep causes are followed. */
const DEPTH = 4;

function described(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return typeof error === 'object' ? 'no error' : withoutQuotes(String(error));
  const { code, cause } = error as NodeJS.ErrnoException & { cause?: unknown };
  return {
    type: error.name,
    code: typeof code === 'string' ? code : undefined,
    message: messageOf(error),
    stack: framesOf(error),
    cause: cause instanceof Error && depth < DEPTH ? described(cause, depth + 1) : undefined,
    errors: error instanceof AggregateError && depth < DEPTH ? error.errors.map((one) => described(one, depth + 1)) : undefined,
  };
}

/** What the database says of connections, locks, its disk, itself and the statement quotes no values (PostgreSQL's classes of SQLSTATE). */
const QUOTES_NO_VALUE = /^(08|25|40|42|53|54|55|57|58)/;

function messageOf(error: Error): string {
  const { sqlState, text, about } = databaseErrorOf(error) ?? {};
  if (about === undefined) return withoutQuotes(error.message);
  return [about, sqlState, sqlState && QUOTES_NO_VALUE.test(sqlState) ? text && withoutQuotes(text.replace(/\(.*$/s, '…')) : undefined]
    .filter(Boolean)
    .join(' ');
}

/** What of a database error may be told, be it Prisma's or the driver's. */
function databaseErrorOf(error: Error): { about: string; sqlState?: string; text?: string } | undefined {
  const { meta, severity, code, constraint } = error as { meta?: Meta; severity?: string; code?: string; constraint?: string };
  if (severity !== undefined)
    return { about: ['database error', constraint].filter(Boolean).join(' '), sqlState: code, text: error.message };
  if (!error.name.startsWith('PrismaClient') && error.name !== 'DriverAdapterError') return undefined;
  const cause = meta?.driverAdapterError?.cause ?? (error as { cause?: AdapterCause }).cause;
  const about = ['database error', meta?.modelName, cause?.kind, cause?.constraint?.index, ...(cause?.constraint?.fields ?? [])];
  return { about: about.filter(Boolean).join(' '), sqlState: cause?.originalCode, text: cause?.originalMessage };
}

interface AdapterCause {
  readonly kind?: string;
  readonly originalCode?: string;
  readonly originalMessage?: string;
  readonly constraint?: { readonly index?: string; readonly fields?: readonly string[] };
}
interface Meta {
  readonly modelName?: string;
  readonly driverAdapterError?: { readonly cause?: AdapterCause };
}

const LONGEST = 500;
/** A name from a program, as node's own errors quote them: `reading 'sid'`. */
const NAME = /^[A-Za-z_$][A-Za-z_$.]{0,30}$/;

/** A message without what stands in quotes or brackets, without addresses' credentials, e-mail addresses and numbers that may be a phone's. */
function withoutQuotes(message: string): string {
  return message
    .slice(0, LONGEST)
    .replace(/\{.*\}|\[.*\]/gs, '{…}')
    .replace(/(["'`])(.*?)\1/gs, (whole, quote: string, inner: string) => (NAME.test(inner) ? whole : `${quote}…${quote}`))
    .replace(/["`].*$/s, '…')
    .replace(/\/\/[^\s/@]*@/g, '//…@')
    .replace(/[^\s@]+@[^\s@]+/g, '…@…')
    .replace(/(?<![\w-])\+?\d{6,}(?![\w-])/g, '…');
}

/** Where it happened, without the message that the stack begins with. */
function framesOf({ stack = '', name, message }: Error): string {
  const behind = stack.startsWith(`${name}: ${message}`) ? stack.slice(name.length + 2 + message.length) : stack;
  return behind
    .split('\n')
    .filter((line) => /^ {4}at .*(:\d+:\d+\)?|\(<anonymous>\)|native\))$/.test(line))
    .join('\n');
}
