import type { PrismaClient } from '../../../prisma/client/client.ts';
import { publishFailedRecord } from '../failed-records.ts';
import type { Gateway } from '../gateway.ts';
import { inTransaction } from '../transaction.ts';

/** How many mappings are looked up at once. */
const MAPPINGS = 100;
/** How many conversations one statement makes, while the organization's messages wait. */
const CONVERSATIONS = 200;
/** How many messages these have together, unless one conversation alone has more. */
const MESSAGES = 5000;

/**
 * Makes the conversations of messages that were stored before there were any, mapping by mapping. Each batch locks the head of the organization's log,
 * so that no message is stored while its conversation is counted. A mapping that fails is tried again by the next run, and does not hold up others.
 * @param signal aborted when no further batch is to begin
 * @returns how many mappings were done
 */
export async function fillConversations({ prisma, log }: Pick<Gateway, 'prisma' | 'log'>, signal?: AbortSignal): Promise<number> {
  let done = 0;
  for (let after = ''; ; ) {
    const mappings = await prisma.conversationFill.findMany({
      where: { mappingSid: { gt: after } },
      orderBy: { mappingSid: 'asc' },
      take: MAPPINGS,
    });
    for (const { mappingSid, organizationSid } of mappings) {
      if (signal?.aborted) return done;
      try {
        if (await fillMapping(prisma, mappingSid, organizationSid, signal)) done += 1;
      } catch (error) {
        publishFailedRecord('fill-conversations');
        log.error({ err: error, mappingSid, organizationSid }, 'cannot make the conversations of a mapping; the next run tries again');
      }
      after = mappingSid;
    }
    if (mappings.length < MAPPINGS) return done;
  }
}

/** @returns whether the mapping is done */
async function fillMapping(prisma: PrismaClient, mappingSid: string, organizationSid: string, signal?: AbortSignal): Promise<boolean> {
  const found = await prisma.$queryRaw<CountedConversation[]>`
    SELECT conversation_sid(mapping_sid, enterprise_sid, direction, from_folded, to_folded) AS sid, count(*)::int AS count
    FROM message WHERE mapping_sid = ${mappingSid} GROUP BY 1 ORDER BY 1`;
  for (const sids of batchesOf(found)) {
    if (signal?.aborted) return false;
    await inTransaction(prisma, async (tx) => {
      // Before the head, as whatever changes a mapping. One that was deleted meanwhile has no conversations any more.
      const mappings = await tx.$queryRaw<unknown[]>`SELECT 1 FROM mapping WHERE sid = ${mappingSid} FOR KEY SHARE`;
      if (mappings.length === 0) return;
      await tx.$queryRaw`SELECT 1 FROM event_head WHERE organization_sid = ${organizationSid} FOR UPDATE`;
      // A statement of its own: it sees what was stored before the lock.
      await tx.$executeRaw`SELECT restore_conversations(${sids}::text[])`;
    });
  }
  await prisma.conversationFill.deleteMany({ where: { mappingSid } });
  return true;
}

/** A conversation, and how many messages it has. */
interface CountedConversation {
  readonly sid: string;
  readonly count: number;
}

function* batchesOf(conversations: readonly CountedConversation[]): Generator<string[]> {
  let sids: string[] = [];
  let messages = 0;
  for (const { sid, count } of conversations) {
    if (sids.length > 0 && (sids.length === CONVERSATIONS || messages + count > MESSAGES)) {
      yield sids;
      [sids, messages] = [[], 0];
    }
    sids.push(sid);
    messages += count;
  }
  if (sids.length > 0) yield sids;
}
