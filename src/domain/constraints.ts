import { Prisma } from '../../prisma/client/client.ts';

/**
 * The name of the unique constraint or index that a write ran into, or `undefined` when `error` is something else. The one place
 * that knows how Prisma tells a unique violation: P2002 with the driver adapter's own cause for tables of the schema.
 */
export function violatedConstraint(error: unknown): string | undefined {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError) || error.code !== 'P2002') return undefined;
  const meta = error.meta as
    | {
        target?: string | string[];
        driverAdapterError?: { cause?: { originalMessage?: string; constraint?: { index?: string; fields?: string[] } } };
      }
    | undefined;
  const cause = meta?.driverAdapterError?.cause;
  const named = cause?.originalMessage?.match(/unique constraint "([^"]+)"/)?.[1];
  return named ?? cause?.constraint?.index ?? cause?.constraint?.fields?.join(',') ?? String(meta?.target ?? '');
}

/** Did a write refer to a row that is gone by then? @param constraint the foreign key's name. As pg tells it, and Prisma of raw statements. */
export function refersToNothing(error: unknown, constraint: string): boolean {
  const told = Object(error) as {
    code?: unknown;
    constraint?: unknown;
    meta?: { driverAdapterError?: { cause?: { originalCode?: string; originalMessage?: string } } };
  };
  if (told.code === '23503') return told.constraint === constraint;
  const cause = told.meta?.driverAdapterError?.cause;
  return cause?.originalCode === '23503' && cause.originalMessage?.includes(`"${constraint}"`) === true;
}
