import type { PrismaClient } from '../../../prisma/client/client.ts';
import { settleNumber } from '../enterprises/mapped-numbers.ts';
import { smsWebhook } from '../enterprises/webhooks.ts';
import { PlatformError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { KEY_LIFETIME_MS } from '../idempotency.ts';
import { SealError, type Secrets } from '../secrets.ts';
import { PLATFORM_KEY_ID } from './platform-accounts.ts';

// Brings what is stored under retired keys under the current one, beside a gateway that goes on working: each value is exchanged only as long as
// it is the one that was read, and what was brought over stays so, so that an interrupted run is simply run again.

type Deps = Pick<Gateway, 'prisma' | 'secrets' | 'publicUrl' | 'log'> & {
  /** Where the numbers' webhooks are to be set anew; absent for the embedded stand-in, which keeps no addresses. */
  readonly restcomm?: Gateway['restcomm'];
};

/** What became of the values of one table. */
export interface RotatedTable {
  readonly table: string;
  readonly what: string;
  /** Brought under the current key by this run. */
  readonly done: number;
  /** Still in need of a retired key. */
  readonly left: number;
  /** When that ends by itself. */
  readonly leftUntil?: Date;
  /** How else it ends. */
  readonly hint?: string;
  /** The sids of those that can't be brought over, since no key that is held opens them, or the platform refuses. */
  readonly failed: readonly string[];
}

/** How many rows are read at once. */
const BATCH = 50;
/** How many times what changed meanwhile is looked at again. */
const ROUNDS = 3;
/** How many numbers are set at once. */
const NUMBERS_AT_ONCE = 4;

/** @throws nothing for a value that can't be brought over: it is named among the failed */
export async function rotateSecrets(deps: Deps): Promise<RotatedTable[]> {
  return [await resealBots(deps), await resealAnswers(deps), await resetWebhooks(deps), ...(await whatEndsByItself(deps))];
}

interface Sealed {
  readonly sid: string;
  readonly value: Uint8Array;
}

/**
 * Reseals every value that `read` gives, batch by batch in the order of their sids, until a round finds none under another key.
 * @param exchange whether the value was still the one that was read
 */
async function reseal(
  secrets: Secrets,
  read: (after: string) => Promise<readonly (Sealed & { readonly place: string })[]>,
  exchange: (read: Sealed & { readonly place: string }, resealed: Uint8Array<ArrayBuffer>) => Promise<boolean>,
) {
  const failed = new Set<string>();
  let done = 0;
  let left = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    left = 0;
    let after = '';
    for (;;) {
      const batch = await read(after);
      for (const row of batch) {
        try {
          const resealed = secrets.reseal(row.value, row.sid);
          if (!resealed) continue;
          if (await exchange(row, resealed)) done += 1;
          else left += 1;
        } catch (error) {
          if (!(error instanceof SealError)) throw error;
          failed.add(row.sid);
        }
      }
      const last = batch.at(-1);
      if (!last) break;
      after = last.place;
    }
    if (left === 0) break;
  }
  return { done, left: left + failed.size, failed: [...failed] };
}

async function resealBots({ prisma, secrets }: Deps): Promise<RotatedTable> {
  const outcome = await reseal(
    secrets,
    async (after) => {
      const bots = await prisma.bot.findMany({
        where: { sid: { gt: after } },
        orderBy: { sid: 'asc' },
        take: BATCH,
        select: { sid: true, clientSecret: true },
      });
      return bots.map(({ sid, clientSecret }) => ({ sid, value: clientSecret, place: sid }));
    },
    async ({ sid, value }, clientSecret) => {
      const { count } = await prisma.bot.updateMany({ where: { sid, clientSecret: new Uint8Array(value) }, data: { clientSecret } });
      return count === 1;
    },
  );
  return { table: 'bot', what: 'client secrets', ...outcome };
}

/** The first answers of idempotency keys hold bots as they were, sealed secrets included. */
async function resealAnswers({ prisma, secrets }: Deps): Promise<RotatedTable> {
  const outcome = await reseal(
    secrets,
    async (after) => {
      const answers = await prisma.$queryRaw<{ place: string; sid: string; sealed: string }[]>`
        SELECT account_sid || ' ' || key AS place, answer->'row'->>'sid' AS sid, answer->'row'->'clientSecret'->>'$bytes' AS sealed
        FROM idempotency_key
        WHERE answer->'row'->'clientSecret' ? '$bytes' AND account_sid || ' ' || key > ${after} ORDER BY 1 LIMIT ${BATCH}`;
      return answers.map(({ place, sid, sealed }) => ({ place, sid, value: Buffer.from(sealed, 'base64') }));
    },
    async ({ place, value }, resealed) => {
      const [before, now] = [value, resealed].map((bytes) => Buffer.from(bytes).toString('base64'));
      const count = await prisma.$executeRaw`
        UPDATE idempotency_key SET answer = jsonb_set(answer, '{row,clientSecret,$bytes}', to_jsonb(${now}::text))
        WHERE account_sid || ' ' || key = ${place} AND answer->'row'->'clientSecret'->>'$bytes' = ${before}`;
      return count > 0;
    },
  );
  return { table: 'idempotency_key', what: 'client secrets in first answers', ...outcome };
}

/** Tells the platform every number's new address; the one under the retired key is taken too, as long as that key is held. */
async function resetWebhooks({ prisma, secrets, publicUrl, restcomm, log }: Deps): Promise<RotatedTable> {
  const table = { table: 'mapping', what: "webhooks' addresses on the platform" };
  if (!restcomm) return { ...table, done: 0, left: 0, failed: [], hint: 'not kept by the embedded stand-in' };
  const failed: string[] = [];
  let done = 0;
  let after = '';
  const reset = async ({ sid, externalAddress }: { sid: string; externalAddress: string }) => {
    try {
      await restcomm.enableSms(externalAddress, smsWebhook({ secrets, publicUrl }, sid));
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      failed.push(sid);
      return;
    }
    const { count } = await prisma.mapping.updateMany({ where: { sid, externalAddress }, data: { webhookKeyId: secrets.keyId } });
    if (count === 1) done += 1;
    // It was deleted, or got another number, while the platform was told.
    else await settleNumber({ prisma, secrets, publicUrl, restcomm, log }, externalAddress);
  };
  for (;;) {
    const batch = await prisma.mapping.findMany({
      where: { sid: { gt: after }, OR: [{ webhookKeyId: null }, { webhookKeyId: { not: secrets.keyId } }] },
      orderBy: { sid: 'asc' },
      take: BATCH,
      select: { sid: true, externalAddress: true },
    });
    for (let first = 0; first < batch.length; first += NUMBERS_AT_ONCE)
      await Promise.all(batch.slice(first, first + NUMBERS_AT_ONCE).map(reset));
    const last = batch.at(-1);
    if (!last) break;
    after = last.sid;
  }
  const left = await prisma.mapping.count({ where: { OR: [{ webhookKeyId: null }, { webhookKeyId: { not: secrets.keyId } }] } });
  return { ...table, done, left, failed };
}

/** What only its owner could bring over, or lives a day: it goes on working while its key is held. */
async function whatEndsByItself({ prisma, secrets }: Deps): Promise<RotatedTable[]> {
  const accounts = await prisma.account.count({
    where: { status: { not: 'CLOSED' }, tokenKeyId: { notIn: [secrets.keyId, PLATFORM_KEY_ID] } },
  });
  const tokens = await prisma.accessToken.aggregate({
    where: {
      ...{ dateRevoked: null, dateExpires: { gt: new Date() } },
      OR: [{ signingKeyId: null }, { signingKeyId: { not: secrets.keyId } }],
    },
    _count: true,
    _max: { dateExpires: true },
  });
  const keys = await idempotencyKeysUnder(prisma, secrets);
  return [
    {
      ...{ table: 'account', what: 'digests of auth tokens', done: 0, left: accounts, failed: [] },
      hint: 'each is made anew when its account next logs in, or by `npm run account -- rotate SID`',
    },
    {
      ...{ table: 'access_token', what: 'signatures of access tokens', done: 0, left: tokens._count, failed: [] },
      leftUntil: tokens._max.dateExpires ?? undefined,
    },
    { ...{ table: 'idempotency_key', what: 'digests of first requests', done: 0, left: keys.count, failed: [] }, leftUntil: keys.until },
  ];
}

async function idempotencyKeysUnder(prisma: PrismaClient, { keyId }: Secrets): Promise<{ count: number; until?: Date }> {
  const since = new Date(Date.now() - KEY_LIFETIME_MS);
  const [found] = await prisma.$queryRaw<{ count: number; youngest: Date | null }[]>`
    SELECT count(*)::int AS count, max(date_created) AS youngest FROM idempotency_key
    WHERE date_created > ${since} AND NOT (length(input_digest) = 36 AND substring(input_digest FOR 4) = decode(${keyId}, 'hex'))`;
  return { count: found?.count ?? 0, until: found?.youngest ? new Date(found.youngest.getTime() + KEY_LIFETIME_MS) : undefined };
}
