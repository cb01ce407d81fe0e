import type { PrismaClient } from '../../prisma/client/client.ts';

/** Whether there is a bot of this application. Applications have GUIDs, whose case means nothing. */
export async function hasBotOf(prisma: PrismaClient, applicationId: string): Promise<boolean> {
  const rows = await prisma.$queryRaw<unknown[]>`SELECT 1 FROM bot WHERE lower(application_id) = lower(${applicationId}) LIMIT 1`;
  return rows.length > 0;
}
