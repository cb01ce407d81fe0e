import type { FakeBot } from '../fakes/microsoft-state.ts';
import { done } from '../parity/faces.ts';
import type { Customer, Person, TestExchange } from './exchange.ts';

/** The permission to install the application's own app. */
export const INSTALLS = 'TeamsAppInstallation.ReadWriteSelfForUser.All';

/** What the tests of the bots' app, which users have or not, share. */
export function installationsOf(getExchange: () => TestExchange) {
  const botThatInstalls = (...more: string[]): FakeBot =>
    getExchange().microsoft.addBot({ permissions: ['User.Read.All', INSTALLS, ...more] });
  const userWithout = (bot: FakeBot) => getExchange().microsoft.addUser({ tenantId: bot.tenantId, installed: false });

  const inTeams = async ({ provider }: Customer, { mappingSid }: Pick<Person, 'mappingSid'>) => {
    const query = 'query ($sid: ID!) { mapping(sid: $sid) { teams { installed conversationKnown lastError } } }';
    const { data, errors } = await provider.graph(query, { sid: mappingSid });
    if (errors) throw new Error(JSON.stringify(errors));
    return data.mapping.teams as { installed: boolean | null; conversationKnown: boolean; lastError: string | null };
  };
  const shownTo = ({ user }: Pick<Person, 'user'>) =>
    getExchange()
      .microsoft.activities.filter(({ objectId }) => objectId === user.objectId)
      .map(({ text }) => String(text).replace(/^From [^\n]*\n/, ''));
  /** The message itself may have had the app installed, before the background did. */
  const withoutWelcome = (person: Pick<Person, 'user'>) => shownTo(person).filter((text) => !text.startsWith('Welcome'));
  const routesOf = ({ user }: Pick<Person, 'user'>, ...routes: string[]) =>
    getExchange()
      .microsoft.requests.filter(({ route, path }) => routes.includes(route) && path.includes(user.objectId))
      .map(({ route }) => route);
  const createAnew = async ({ provider, bot, botSid, enterpriseSid }: Customer, botAppId: string) => {
    await done(provider, 'deleteBot', { sid: botSid });
    const { applicationId, tenantId, clientSecret } = bot;
    await done(provider, 'createBot', { enterpriseSid, applicationId, tenantId, clientSecret, botAppId });
  };
  return { botThatInstalls, userWithout, inTeams, shownTo, withoutWelcome, routesOf, createAnew };
}
