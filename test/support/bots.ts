import { checkBots } from '../../src/domain/bots/bot-health.ts';
import type { FakeBot } from '../fakes/microsoft-state.ts';
import { done } from '../parity/faces.ts';
import type { Customer, TestExchange } from './exchange.ts';
import type { Provider } from './gateway.ts';

/** A customer whose bot lacks nothing: its app is published, and the bot has the app's id. */
export async function readyCustomer(exchange: TestExchange, change: Partial<FakeBot> = {}): Promise<Customer> {
  const bot = exchange.microsoft.addBot(change);
  return exchange.customer({ bot, botAppId: exchange.microsoft.addApp(bot).id });
}

/** Checks the health of all bots that are due. */
export async function checkHealth({ gateway }: Pick<TestExchange, 'gateway'>): Promise<void> {
  while ((await checkBots(gateway)) > 0);
}

/** Has a bot's health checked again, and changes nothing. */
export const touch = ({ provider, botSid }: Customer) => done(provider, 'updateBot', { sid: botSid });

const SHOWN =
  'sid cloud authority health { status since reason code message cure } credentials { sid kind name hint thumbprint dateExpires }';

/** A bot as the graph shows it. */
export async function shownBot({ provider, botSid }: Pick<Customer, 'provider' | 'botSid'>) {
  const { data, errors } = await provider.graph(`query ($sid: ID!) { bot(sid: $sid) { ${SHOWN} } }`, { sid: botSid });
  if (errors) throw new Error(JSON.stringify(errors));
  return data.bot;
}

/** A mutation's result: what is selected of its success, or its error. */
export async function mutate({ provider }: { readonly provider: Provider }, name: string, input: object, selected: string) {
  const type = name.replace(/^./, (letter) => letter.toUpperCase());
  const { data, errors } = await provider.graph(
    `mutation ($input: ${type}Input!) { result: ${name}(input: $input) { __typename ... on ${type}Success { ${selected} } ... on Error { code message path value } } }`,
    { input },
  );
  if (errors) throw new Error(JSON.stringify(errors));
  return data.result;
}

/** Adds a secret or a certificate to a bot. */
export const addCredential = (of: Customer, input: object) =>
  mutate(
    of,
    'secret' in input ? 'addBotSecret' : 'addBotCertificate',
    { sid: of.botSid, ...input },
    'credential { sid kind hint thumbprint dateExpires }',
  );

export const verifyBot = (of: Pick<Customer, 'provider' | 'botSid'>, microsoftAddress?: string) =>
  mutate(
    of,
    'verifyBot',
    { sid: of.botSid, microsoftAddress },
    'passed authority checks { step passed skipped message code cure credentialSid }',
  );

/** One step of a verification. */
export async function verifiedStep(of: Pick<Customer, 'provider' | 'botSid'>, wanted: string, microsoftAddress?: string) {
  const { passed, checks } = await verifyBot(of, microsoftAddress);
  return { ...checks.find(({ step }: { step: string }) => step === wanted), allPassed: passed };
}
