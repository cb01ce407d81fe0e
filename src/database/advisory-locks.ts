/**
 * The numbers of the advisory locks, which all users of a database share: each purpose has one of its own, so that none waits for another. They stay as they
 * are, since earlier gateways take part while instances are replaced.
 */
export const ADVISORY_LOCKS = {
  /** Held while migrations are applied. Prisma's own number, so that `prisma migrate deploy` and a starting gateway wait for each other. */
  migrations: 72_707_369,
  /** Those who add up usage take turns by it. A migration takes it, too. */
  usage: 72_707_370,
  /** Concurrent seeds take turns by it. */
  seed: 72_707_371,
  /** Held while the index of texts is built or removed. Nobody may wait for it in a statement: building the index would wait for the statement's snapshot. */
  textIndex: 72_707_372,
  /** One gateway at a time checks by it whether the database is new. */
  firstAccount: 72_707_373,
} as const;
