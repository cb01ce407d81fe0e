import { newSid } from '../../src/domain/values/sid.ts';
import type { Provider, TestGateway } from './gateway.ts';

/** Stores an import that was checked: a row that is valid, as given. @returns its sid */
export async function insertCheckedImport(
  { database: { prisma } }: Pick<TestGateway, 'database'>,
  { organizationSid, accountSid }: Pick<Provider, 'organizationSid' | 'accountSid'>,
  enterpriseSid: string,
  row: { readonly name: string; readonly microsoftAddress: string; readonly externalAddress: string },
): Promise<string> {
  const sid = newSid('IM');
  await prisma.mappingImport.create({
    data: {
      ...{ sid, organizationSid, accountSid, enterpriseSid, status: 'CHECKED', upload: 'upload', rowCount: 1, requestId: 'request' },
      dateExpires: new Date(),
      rows: {
        create: {
          ...{ organizationSid, number: 1, upload: 'upload', line: 2, ...row, externalDigits: row.externalAddress, status: 'VALID' },
        },
      },
    },
  });
  return sid;
}
