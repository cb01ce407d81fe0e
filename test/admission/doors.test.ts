import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { suspendAccount } from '../../src/domain/access/accounts.ts';
import { newSid } from '../../src/domain/values/sid.ts';
import { done, newEnterprise } from '../parity/faces.ts';
import type { Provider } from '../support/gateway.ts';
import { graphClient } from '../support/graph.ts';
import { createLiveGateway, type LiveGateway } from '../support/live.ts';
import { costOf } from '../support/work.ts';

let gateway: LiveGateway;
/** The Authorization headers of the table, by what they are. */
let headers: Record<string, string | undefined>;
let admin: { sid: string; email: string; password: string };
let provider: Provider;

beforeAll(async () => {
  gateway = await createLiveGateway({ access: { embedded: { carrier: true, teams: true } } });
  provider = await gateway.provider();
  const suspended = await gateway.provider();
  await suspendAccount(gateway.gateway, suspended.accountSid);
  const enterprise = newEnterprise();
  const made = await done(provider, 'createEnterprise', enterprise);
  const { email, password } = enterprise.enterpriseAdmin as { email: string; password: string };
  admin = { sid: made.admin.sid, email, password };
  const closed = newEnterprise();
  const inactive = await done(provider, 'createEnterprise', { ...closed, status: 'INACTIVE' });
  const issue = async (graph: Provider['graph']) => {
    const { data } = await graph(
      'mutation { made: createAccessToken(input: { expiresIn: 3600, permissions: [READ] }) { ... on CreateAccessTokenSuccess { token accessToken { sid } } } }',
    );
    return data.made as { token: string; accessToken: { sid: string } };
  };
  const [ofAccount, ofAdmin, revoked] = [
    await issue(provider.graph),
    await issue(graphClient(gateway.fetch, { user: admin.sid, password })),
    await issue(provider.graph),
  ];
  await provider.graph(`mutation { revokeAccessToken(input: { sid: "${revoked.accessToken.sid}" }) { __typename } }`);
  headers = {
    'an account’s SID and token': basic(provider.accountSid, provider.authToken),
    'an admin’s sid and password': basic(admin.sid, password),
    'an admin’s e-mail, in another case, and password': basic(email.toUpperCase(), password),
    'an account’s access token': `Bearer ${ofAccount.token}`,
    'an admin’s access token': `Bearer ${ofAdmin.token}`,
    nothing: undefined,
    'a wrong token': basic(provider.accountSid, randomBytes(16).toString('hex')),
    'an unknown account': basic(`AC${randomBytes(16).toString('hex')}`, provider.authToken),
    'an admin’s wrong password': basic(admin.sid, `${password}.`),
    'an unknown admin': basic(newSid('RCS'), password),
    'no name that there can be': basic('nobody', password),
    'a revoked access token': `Bearer ${revoked.token}`,
    'a forged access token': `Bearer ${ofAccount.token.slice(0, -3)}AAA`,
    'another scheme': `Digest ${provider.authToken}`,
    'a suspended account’s token': basic(suspended.accountSid, suspended.authToken),
    'the password of an INACTIVE enterprise’s admin': basic(inactive.admin.sid, (closed.enterpriseAdmin as { password: string }).password),
  };
});
afterAll(() => gateway.close());

const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

const STREAM = 'subscription { messageEvents { __typename } }';

interface Door {
  readonly name: string;
  /** Presents credentials. @returns 200, or the status of the refusal and the text that it comes with */
  readonly enter: (authorization: string | undefined) => Promise<{ status: number; text: string }>;
}

async function request(path: string, authorization: string | undefined, init: RequestInit = {}) {
  const response = await fetch(`${gateway.url}${path}`, { ...init, headers: { ...init.headers, ...(authorization && { authorization }) } });
  if (response.ok) {
    await response.body?.cancel();
    return { status: 200, text: '' };
  }
  const challenge = response.headers.get('www-authenticate');
  return { status: response.status, text: `${challenge} ${await response.text()}` };
}

/** What a refused socket is closed with, as the status of a refused request. */
const CLOSED: Record<number, number> = { 4403: 401, 1013: 503 };

async function openSocket(authorization: string | undefined, inUpgrade: boolean) {
  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
    headers: inUpgrade && authorization ? { authorization } : {},
  });
  await once(socket, 'open');
  const answered = once(socket, 'message').then(([data]) => ({
    status: JSON.parse(String(data)).type === 'connection_ack' ? 200 : 500,
    text: '',
  }));
  const closed = once(socket, 'close').then(([code, reason]) => ({ status: CLOSED[code] ?? code, text: String(reason) }));
  socket.send(JSON.stringify({ type: 'connection_init', payload: inUpgrade || !authorization ? {} : { Authorization: authorization } }));
  const outcome = await Promise.race([answered, closed]);
  socket.terminate();
  return outcome;
}

const doors: readonly Door[] = [
  { name: 'REST', enter: (authorization) => request('/msteams/enterprises/search', authorization) },
  {
    name: 'GraphQL',
    enter: (authorization) =>
      request('/graphql', authorization, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: '{ viewer { permissions } }' }),
      }),
  },
  {
    name: 'SSE',
    enter: (authorization) =>
      request(`/graphql?${new URLSearchParams({ query: STREAM })}`, authorization, { headers: { accept: 'text/event-stream' } }),
  },
  {
    name: 'the stand-in',
    enter: async (authorization) => {
      const refused = await request('/stand-in/sms', authorization, { method: 'POST', body: '{}' });
      // It has read that there is nothing in the body.
      return refused.status === 400 ? { status: 200, text: '' } : refused;
    },
  },
  { name: 'WebSocket by connectionInit', enter: (authorization) => openSocket(authorization, false) },
  { name: 'WebSocket by its upgrade', enter: (authorization) => openSocket(authorization, true) },
];

describe.each(doors)('the door of $name', ({ name, enter }) => {
  const isSocket = name.startsWith('WebSocket');

  test.each([
    'an account’s SID and token',
    'an admin’s sid and password',
    'an admin’s e-mail, in another case, and password',
    'an account’s access token',
    'an admin’s access token',
  ])('accepts %s', async (what) => {
    expect(await enter(headers[what])).toEqual({ status: 200, text: '' });
  });

  test('refuses all invalid credentials with the same response, but a WebSocket says that a token has ended', async () => {
    const answers: Record<string, Set<string>> = { Basic: new Set(), Bearer: new Set() };
    for (const what of [
      ...['nothing', 'a wrong token', 'an unknown account', 'an admin’s wrong password', 'an unknown admin'],
      ...['no name that there can be', 'a revoked access token', 'a forged access token', 'another scheme'],
    ]) {
      const { status, text } = await enter(headers[what]);
      if (isSocket && what === 'a revoked access token') {
        // Only who had it learns that it has ended: clients of streams ask for a new one then.
        expect(status).toBe(4401);
        continue;
      }
      expect(status, what).toBe(401);
      answers[headers[what]?.startsWith('Bearer') ? 'Bearer' : 'Basic']?.add(text);
    }
    expect([answers.Basic?.size, answers.Bearer?.size]).toEqual([1, 1]);
  });

  test.each(['a suspended account’s token', 'the password of an INACTIVE enterprise’s admin'])(
    'refuses %s with a different response',
    async (what) => {
      // A WebSocket has one code for both: the client shall not try again.
      expect((await enter(headers[what])).status).toBe(isSocket ? 401 : 403);
    },
  );
});

describe('the same work is done', () => {
  const enter = (user: string, password: string) =>
    costOf(() => gateway.fetch(new Request('http://gateway.test/msteams/nothing', { headers: { authorization: basic(user, password) } })));
  const shape = ({ statements, scrypts }: Awaited<ReturnType<typeof costOf>>) => ({
    scrypts,
    statements: statements.map((text) => text.replace(/\s+/g, ' ')),
  });

  test('for an unknown account as for a wrong token', async () => {
    const wrong = shape(await enter(provider.accountSid, randomBytes(16).toString('hex')));
    const unknown = shape(await enter(`AC${randomBytes(16).toString('hex')}`, randomBytes(16).toString('hex')));
    expect(wrong.statements.length).toBeGreaterThan(0);
    expect(unknown).toEqual(wrong);
  });

  test.each([
    ['sid', () => admin.sid, () => newSid('RCS')],
    ['e-mail', () => admin.email, () => `${randomBytes(6).toString('hex')}@customer.example`],
  ])('for the unknown %s of an admin as for a wrong password: one scrypt', async (_, known, unknown) => {
    const one = shape(await enter(known(), randomBytes(8).toString('hex')));
    const other = shape(await enter(unknown(), randomBytes(8).toString('hex')));
    expect(one.scrypts).toBe(1);
    // The enterprise of an admin who is found is asked for with it, in one statement on PostgreSQL.
    expect(other.scrypts).toBe(1);
    expect(other.statements).toEqual(one.statements);
  });

  test('for an admin whose password only Restcomm knows', async () => {
    await gateway.database.prisma.enterpriseAdmin.update({ where: { sid: admin.sid }, data: { passwordHash: null } });
    const { scrypts } = await enter(admin.sid, 'whatever');
    expect(scrypts).toBe(1);
  });
});
