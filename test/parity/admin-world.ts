import { afterAll, beforeAll, beforeEach } from 'vitest';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { graphClient } from '../support/graph.ts';
import { createRecordingRestcomm } from '../support/recording-restcomm.ts';
import { done, type Input, newEnterprise } from './faces.ts';

let made = 0;
/** An e-mail address that has no account on the platform yet. */
export const newcomer = () => `admin${++made}@newcomer.example`;

/** Creates a gateway with a provider before a file's tests, and closes it after them. Its carrier records its requests. */
export function adminWorld() {
  const restcomm = createRecordingRestcomm();
  let gateway: TestGateway;
  let provider: Provider;
  beforeAll(async () => {
    gateway = await createTestGateway({ platforms: { restcomm } });
    provider = await gateway.provider();
  });
  afterAll(() => gateway.close());
  beforeEach(() => restcomm.reset());

  const clientOf = (user: string, password: string) => graphClient(gateway.fetch, { user, password });
  return {
    get gateway() {
      return gateway;
    },
    get provider() {
      return provider;
    },
    restcomm,
    /** Creates an enterprise with an admin. */
    enterprise: async (email = newcomer(), password = 'a-long-password', change: Input = {}) => {
      const enterpriseAdmin = { email, password, name: 'Ann' };
      const { sid, admin } = await done(provider, 'createEnterprise', newEnterprise({ enterpriseAdmin, ...change }));
      return { sid: sid as string, adminSid: admin.sid as string, email, password };
    },
    adminOf: (enterpriseSid: string) => gateway.database.prisma.enterpriseAdmin.findUniqueOrThrow({ where: { enterpriseSid } }),
    clientOf,
    /** The status of a request with these credentials. */
    statusOf: async (user: string, password: string) => (await clientOf(user, password)('{ viewer { admin { sid } } }')).status,
  };
}
