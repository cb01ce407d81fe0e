import type { PrismaClient } from '../../../prisma/client/client.ts';
import { inTransaction } from '../transaction.ts';

/** How many mappings are looked up at once. */
const MAPPINGS = 100;
/** How many conversations one statement makes, while the organization's messages wait. */
const CONVERSATIONS = 200;

/**
 * Makes the conversations of messages that were stored before there were any, mapping by mapping. Each batch locks the head of the organization's log,
 * so that no message is stored while its conversation is counted.
 * @param signal aborted when no further batch is to begin
 * @returns how many mappings were done
 */
export async function fillConversations(prisma: PrismaClient, signal?: AbortSignal): Promise<number> {
  let done = 0;
  for (;;) {
    const mappings = await prisma.conversationFill.findMany({ take: MAPPINGS, orderBy: { mappingSid: 'asc' } });
    for (const { mappingSid, organizationSid } of mappings) {
      if (signal?.aborted) return done;
      await fillMapping(prisma, mappingSid, organizationSid);
      done += 1;
    }
    if (mappings.length < MAPPINGS) return done;
  }
}

async function fillMapping(prisma: PrismaClient, mappingSid: string, organizationSid: string): Promise<void> {
  const found = await prisma.$queryRaw<{ sid: string }[]>`
    SELECT DISTINCT conversation_sid(mapping_sid, direction, from_folded, to_folded) AS sid FROM message WHERE mapping_sid = ${mappingSid} ORDER BY 1`;
  const sids = found.map(({ sid }) => sid);
  for (let start = 0; start < sids.length; start += CONVERSATIONS) {
    await inTransaction(prisma, async (tx) => {
      await tx.$queryRaw`SELECT 1 FROM event_head WHERE organization_sid = ${organizationSid} FOR UPDATE`;
      // A statement of its own: it sees what was stored before the lock.
      await tx.$executeRaw`SELECT restore_conversations(${sids.slice(start, start + CONVERSATIONS)}::text[])`;
    });
  }
  await prisma.conversationFill.deleteMany({ where: { mappingSid } });
}
