import { statusRank } from '../../src/domain/messages/message-status.ts';
import { comparedForm } from '../../src/domain/values/phone-numbers.ts';
import { newSid } from '../../src/domain/values/sid.ts';
import { fold } from '../../src/domain/values/text.ts';
import type { Provider, TestGateway } from '../support/gateway.ts';

/** Stores rows with given sids: those of the vendor's documentation, which its examples ask for. */
export function sourceRows({ database, gateway }: TestGateway, { organizationSid, accountSid }: Provider) {
  const { prisma } = database;
  const owner = { organizationSid, accountSid };

  async function enterprise(sid: string, name = `of ${sid}`, email = `${sid}@telestax.com`): Promise<void> {
    await prisma.enterprise.create({ data: { ...owner, sid, name, nameFolded: fold(name) } });
    const admin = { sid: newSid('RCS'), enterpriseSid: sid, email, emailFolded: fold(email) };
    await prisma.enterpriseAdmin.create({ data: { ...owner, ...admin } });
  }

  async function mapping(sid: string, enterpriseSid: string, externalAddress: string): Promise<void> {
    const microsoftAddress = 'before@solutionstelestax.onmicrosoft.com';
    const folded = { nameFolded: 'before', microsoftAddressFolded: microsoftAddress, microsoftDomain: 'solutionstelestax.onmicrosoft.com' };
    const number = { externalAddress, externalDigits: comparedForm(externalAddress) };
    await prisma.mapping.create({ data: { ...owner, sid, enterpriseSid, name: 'before', microsoftAddress, ...folded, ...number } });
  }

  async function bot(sid: string, enterpriseSid: string): Promise<void> {
    const secret = { clientSecret: new Uint8Array(gateway.secrets.seal('the secret before', sid)), clientSecretHint: 'fore' };
    const data = { ...owner, ...secret, sid, enterpriseSid, applicationId: '12345', tenantId: 'tenant', botAppId: '23423424' };
    await prisma.bot.create({ data });
  }

  async function message(sid: string, enterpriseSid: string): Promise<void> {
    const [from, to] = ['sunnydodhiya@solutionstelestax.onmicrosoft.com', '56566565'];
    const folded = { fromFolded: comparedForm(from), toFolded: comparedForm(to) };
    const status = { channelStatus: 'DELIVERED', statusRank: statusRank('DELIVERED') } as const;
    await prisma.message.create({ data: { ...owner, ...folded, ...status, sid, enterpriseSid, from, to, direction: 'INBOUND' } });
  }

  return { enterprise, mapping, bot, message };
}
