import type { Gateway } from '../../../domain/gateway.ts';
import { teamsAppOf } from '../../../domain/teams-app/settings.ts';
import { inTransaction } from '../../../domain/transaction.ts';
import { addNotice, type Place } from '../notices/notices.ts';
import { welcome } from '../notices/sentences.ts';

/** A Teams user in the chat with the bot. */
interface Newcomer extends Place {
  readonly objectId: string;
  /** The language of the user's Teams, if it is known. */
  readonly locale?: string;
}

/** Says to a user who is new to an enterprise's bot which numbers they have, and how to write. Once, unless the settings say never. */
export async function welcomeUser(gateway: Gateway, user: Newcomer): Promise<void> {
  const { prisma } = gateway;
  const { organizationSid, enterpriseSid, objectId, locale } = user;
  if (!(await teamsAppOf(prisma, { organizationSid, enterpriseSid })).welcome) return;
  const mappings = await prisma.mapping.findMany({
    where: { enterpriseSid, microsoftObjectId: objectId },
    orderBy: [{ dateCreated: 'asc' }, { sid: 'asc' }],
    select: { externalAddress: true },
  });
  if (mappings.length === 0) return;
  const text = welcome(
    mappings.map(({ externalAddress }) => externalAddress),
    locale,
  );
  const isNew = await inTransaction(prisma, async (tx) => {
    const marked = await tx.$executeRaw`
      INSERT INTO teams_installation AS i (organization_sid, enterprise_sid, object_id, installed, due, welcomed)
      VALUES (${organizationSid}, ${enterpriseSid}, ${objectId}, true, NULL, now())
      ON CONFLICT (enterprise_sid, object_id) DO UPDATE SET welcomed = now() WHERE i.welcomed IS NULL`;
    if (marked > 0) await addNotice(tx, user, text);
    return marked > 0;
  });
  if (isNew) gateway.hints.queued();
}
