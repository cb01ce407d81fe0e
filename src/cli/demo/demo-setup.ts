import { randomBytes } from 'node:crypto';
import type { Client } from '../client.ts';
import { PLAYGROUND_BOT, PLAYGROUND_USER } from './playground.ts';

// Numbers that Germany's regulator keeps for films: nobody has them.
/** The number of the playground's user. */
export const NUMBER = '+493023125042';
/** A phone that writes to it. */
export const PHONE = '+491713920075';

/** Creates an enterprise, the playground's bot, and the mapping of its user. The playground must be running: it is asked for the user. */
export async function setUpDemo({ post }: Pick<Client, 'post'>): Promise<void> {
  const created = await post('/msteams/enterprises', {
    name: 'Kohl',
    enterpriseAdmin: { emailId: 'admin@kohl.example', password: randomBytes(12).toString('hex') },
  });
  const { sid: enterpriseSid } = created.data as { sid: string };
  const { applicationId, tenantId } = PLAYGROUND_BOT;
  await post('/msteams/teamsbot', { enterpriseSid, applicationId, tenantId, clientSecret: 'not-needed', botAppId: applicationId });
  await post('/msteams/mappings', { enterpriseSid, microsoftAddress: PLAYGROUND_USER.userPrincipleName, externalAddress: NUMBER });
}
