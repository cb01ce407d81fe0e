import { newSid } from '../../src/domain/values/sid.ts';
import type { Provider, TestGateway } from '../support/gateway.ts';

/** Writes enterprises with their admins to the database: the gateway would take a second to hash each password. */
export async function createEnterprises(
  { database }: TestGateway,
  { organizationSid, accountSid }: Provider,
  count: number,
): Promise<void> {
  const sids = Array.from({ length: count }, () => newSid('EN'));
  await database.prisma.enterprise.createMany({
    data: sids.map((sid) => ({ sid, organizationSid, accountSid, name: sid, nameFolded: sid.toLowerCase() })),
  });
  await database.prisma.enterpriseAdmin.createMany({
    data: sids.map((enterpriseSid) => {
      const email = `${enterpriseSid.toLowerCase()}@example.com`;
      return { sid: newSid('RCS'), organizationSid, accountSid, enterpriseSid, email, emailFolded: email };
    }),
  });
}
