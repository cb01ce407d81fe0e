import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { followCredentialChanges } from '../../../src/admission/credential-changes.ts';
import { done } from '../../parity/faces.ts';
import { type Customer, createTestExchange, type TestExchange } from '../../support/exchange.ts';

// The mapping of a number is kept for seconds, so that an SMS need not look for it. Nobody gets a text for whom it no longer is.

let exchange: TestExchange;
let customer: Customer;
let following: { close(): Promise<void> } | undefined;

beforeAll(async () => {
  exchange = await createTestExchange();
  customer = await exchange.customer();
  const { prisma, keptMappings } = exchange.gateway;
  const databaseUrl = inject('postgres') && exchange.database.pool.options.connectionString;
  const log = pino({ level: 'silent' });
  if (databaseUrl) following = followCredentialChanges({ databaseUrl, prisma, kept: [keptMappings], log });
});
afterAll(async () => {
  await following?.close();
  await exchange.close();
});

/** Posts an SMS to a number as Restcomm does. @returns whom it is stored for, and with which mapping */
async function received(smsUrl: string, number: string) {
  const sid = `SM${randomBytes(16).toString('hex')}`;
  const form = new URLSearchParams({ SmsSid: sid, From: '+4917012345671', To: number, Body: 'Hello' });
  expect((await fetch(smsUrl, { method: 'POST', body: form })).status).toBe(200);
  const { to, mappingSid } = await exchange.gateway.prisma.message.findFirstOrThrow({ where: { restcommMessageSid: sid } });
  return { to, mappingSid };
}

const stored = (sid: string) => exchange.gateway.prisma.mapping.findUniqueOrThrow({ where: { sid } });
const smsUrlOf = (number: string) => exchange.restcomm.numbers.find(({ phoneNumber }) => phoneNumber === number)?.smsUrl ?? '';

test('an SMS goes to the user whom its number is mapped to now, and to nobody once it is not mapped', async () => {
  const { provider, number, mappingSid } = customer;
  const { microsoftAddress } = await stored(mappingSid);
  const smsUrl = smsUrlOf(number);
  for (let count = 0; count < 3; count += 1) expect(await received(smsUrl, number)).toEqual({ to: microsoftAddress, mappingSid });
  const { microsoftAddress: others } = await stored((await exchange.person(customer)).mappingSid);
  await done(provider, 'updateMapping', { sid: mappingSid, microsoftAddress: others });
  expect(await received(smsUrl, number)).toEqual({ to: others, mappingSid });
  await done(provider, 'deleteMapping', { sid: mappingSid });
  expect(await received(smsUrl, number)).toEqual({ to: others, mappingSid: null });
});

test('an SMS to a number whose mapping another process has just deleted is stored', async () => {
  const { prisma } = exchange.gateway;
  const { number, mappingSid } = await exchange.person(customer);
  const { microsoftAddress, ...owner } = await stored(mappingSid);
  const smsUrl = smsUrlOf(number);
  expect(await received(smsUrl, number)).toEqual({ to: microsoftAddress, mappingSid });
  const { organizationSid, enterpriseSid, accountSid, externalAddress } = owner;
  await prisma.$transaction([
    prisma.releasedMapping.create({
      data: { sid: mappingSid, organizationSid, enterpriseSid, accountSid, externalAddress, microsoftAddress },
    }),
    prisma.mapping.delete({ where: { sid: mappingSid } }),
  ]);
  expect(await received(smsUrl, number)).toEqual({ to: microsoftAddress, mappingSid: null });
});

test.runIf(inject('postgres'))('an SMS goes to the user whom another process has mapped the number to, within a second', async () => {
  const { prisma } = exchange.gateway;
  const { number, mappingSid } = await exchange.person(customer);
  const { microsoftAddress } = await stored(mappingSid);
  const smsUrl = smsUrlOf(number);
  expect(await received(smsUrl, number)).toEqual({ to: microsoftAddress, mappingSid });
  const others = `other.${microsoftAddress}`;
  await prisma.mapping.update({ where: { sid: mappingSid }, data: { microsoftAddress: others, microsoftAddressFolded: others } });
  await expect.poll(async () => (await received(smsUrl, number)).to, { timeout: 1000 }).toBe(others);
});
