import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { expect } from 'vitest';
import { PlatformError } from '../../../src/domain/errors.ts';
import { CurableError, DeliveryError } from '../../../src/platforms/delivery-error.ts';
import type { Fault } from '../../fakes/fake-server.ts';
import type { FakeMicrosoft } from '../../fakes/microsoft.ts';

/** A refusal as Graph and the connector word it. */
export const withAnswer = (status: number, code: string, message: string, headers?: Record<string, string>): Fault => ({
  answer: { status, body: { error: { code, message } }, headers },
});

/** What an attempt fails with. No secret or token that the fake knows may be anywhere in it. */
export async function failure(fake: FakeMicrosoft, attempt: Promise<unknown>): Promise<PlatformError | DeliveryError> {
  const error = await attempt.then(
    () => expect.unreachable('it should have failed'),
    (reason) => reason,
  );
  const shown = inspect(error, { depth: 10, showHidden: true });
  const secrets = fake.bots.flatMap(({ clientSecret }) => [clientSecret, encodeURIComponent(clientSecret)]);
  for (const secret of [...secrets, ...fake.tokens.keys()]) expect(shown).not.toContain(secret);
  expect(error instanceof PlatformError || error instanceof DeliveryError).toBe(true);
  return error;
}

/** The DeliveryError that an attempt fails with, as plain fields. */
export async function outcomeOf(fake: FakeMicrosoft, attempt: Promise<unknown>) {
  const error = await failure(fake, attempt);
  if (!(error instanceof DeliveryError)) return expect.unreachable(`${error}`);
  const { outcome, code, message, retryAfterMs } = error;
  return { outcome, code, message, retryAfterMs, reason: error instanceof CurableError ? error.reason : undefined };
}

/** An address on this machine where nobody listens. */
export async function nobody(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}
