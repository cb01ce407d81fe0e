import { expect } from 'vitest';
import type { ClientsGateway } from './gateway.ts';

/** What a subscription to EVENTS hands over. */
export interface Update {
  readonly __typename?: string;
  readonly cursor: string;
  readonly channelStatus?: string;
  readonly message?: { readonly body: string };
}

interface Sink {
  readonly next: (update: Update) => void;
  /** When the stream ends although it should not. */
  readonly error: (reason: unknown) => void;
}

/** Starts a subscription. @returns stops it */
type Subscribe = (variables: { after?: string }, sink: Sink) => () => void;

const text = ({ message, channelStatus }: Update) => `${message?.body} ${channelStatus}`;

/**
 * Checks that a subscription goes on by itself when the gateway stops and starts again, and that it gets every event once and in order.
 * @param repeats whether the client subscribes again with the variables of the beginning: then it gets the events since then once more
 */
export async function survivesRestart(gateway: ClientsGateway, subscribe: Subscribe, { repeats = false } = {}): Promise<void> {
  const cursors = new Set<string>();
  const events: string[] = [];
  let start = repeats ? (await gateway.eventsAfter(undefined)).at(-1)?.cursor : undefined;
  const variables: { after?: string } = start ? { after: start } : {};
  let stop = () => {};
  const ended = new Promise<never>((_, reject) => {
    const next = (update: Update) => {
      if (repeats && cursors.has(update.cursor)) return;
      cursors.add(update.cursor);
      start ??= update.cursor;
      // To continue a stream, the README says, pass the last cursor. Clients that copy the variables cannot.
      if (!repeats) variables.after = update.cursor;
      if (update.__typename === 'MessageEvent') events.push(text(update));
    };
    stop = subscribe(variables, { next, error: (reason) => reject(new Error('The stream has ended', { cause: reason })) });
  });
  const checked = async () => {
    await expect.poll(() => start, { timeout: 20_000 }).toBeDefined();
    await gateway.deliver('before');
    await expect.poll(() => events, { timeout: 20_000 }).toContain('before DELIVERED');
    await gateway.restart();
    await gateway.deliver('meanwhile');
    await expect.poll(() => events, { timeout: 40_000 }).toContain('meanwhile DELIVERED');
    expect(events).toEqual((await gateway.eventsAfter(start)).map(text));
  };
  try {
    await Promise.race([checked(), ended]);
  } finally {
    stop();
  }
}
