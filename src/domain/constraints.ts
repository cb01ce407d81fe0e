import { Prisma } from '../../prisma/client/client.ts';

/**
 * Finds the unique constraint or index that a write violated. Only this function knows Prisma's form of a unique violation: P2002, with the driver
 * adapter's own cause for tables of the schema.
 * @returns the constraint's name, or `undefined` for any other error
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

/**
 * Whether a write failed because the row it refers to no longer exists. Knows the errors of pg and of Prisma's raw statements.
 * @param constraint the foreign key's name
 */
export function violatesForeignKey(error: unknown, constraint: string): boolean {
  const failure = Object(error) as {
    code?: unknown;
    constraint?: unknown;
    meta?: { driverAdapterError?: { cause?: { originalCode?: string; originalMessage?: string } } };
  };
  if (failure.code === '23503') return failure.constraint === constraint;
  const cause = failure.meta?.driverAdapterError?.cause;
  return cause?.originalCode === '23503' && cause.originalMessage?.includes(`"${constraint}"`) === true;
}
