import type { FakeUser } from '../fakes/microsoft-state.ts';
import { type Customer, type TestExchange, until } from './exchange.ts';

/** A phone that texts with Teams users. */
export const PARTNER = '+4917012345671';
/** Another one. */
export const OTHER = '+4917012345672';

/** What the tests of the bot's chats with its users share. */
export function chatOf(getExchange: () => TestExchange) {
  const shownTo = ({ user }: { user: FakeUser }) => getExchange().microsoft.activities.filter(({ objectId }) => objectId === user.objectId);
  return {
    /** All activities that a user sees. */
    shownTo,
    /** Waits until a user sees this many activities, and returns the last of them. */
    nextShownTo: (person: { user: FakeUser }, count: number) =>
      getExchange().microsoft.until(
        () => shownTo(person).length >= count && (shownTo(person)[count - 1] as ReturnType<typeof shownTo>[number]),
      ),
    /** The messages from Teams of a customer: to whom, and their texts. */
    written: async ({ provider }: Customer) =>
      (await getExchange().messages(provider, { direction: 'INBOUND' })).map(({ to, body }) => [to, body]),
    /** A text from a phone, once its user has seen it. */
    shownFrom: async (person: Customer, from: string, body: string) =>
      getExchange().ends(person.provider, await getExchange().text(person, person, from, body), 'DELIVERED'),
    /** A customer whose user has written to PARTNER. */
    inTouch: async (): Promise<Customer> => {
      const own = await getExchange().customer();
      await getExchange().say(own, own.user, `${PARTNER} Hello`);
      return own;
    },
    /** Posts an activity as it is, signed. */
    post: async (activity: Record<string, unknown>): Promise<number> =>
      getExchange().post(activity, await getExchange().sign(activity as never)),
    /** Resolves when every notice has been sent or dropped. */
    quiet: () => until(async () => (await getExchange().gateway.prisma.notice.count({ where: { ended: null } })) === 0),
  };
}
