import { randomBytes } from 'node:crypto';
import { type Client, createClient, END, gatewayUrlOf } from '../client.ts';
import { CommandError, exitCodeOf, UsageError } from '../session.ts';
import { terminal } from '../terminal.ts';

const USAGE = `Runs a conversation in both directions through a running gateway with the embedded stand-ins, and prints every status as it changes.

  npm run demo -- <account SID> <auth token> [gateway URL]

The gateway prints the SID and the token at its first start. Without a URL, PORT and HOST say where it listens, as for the gateway
itself: http://127.0.0.1:4000 if they are not set.`;

const PHONE = '+4915112345671';
const UNREACHABLE = '+4915112345670';

/** The mapped user that takes part in the conversation. */
interface DemoUser {
  readonly address: string;
  readonly number: string;
}

/** Creates an enterprise with a bot, and a user with a number. */
async function createUser({ post }: Client): Promise<DemoUser> {
  const unique = randomBytes(3).toString('hex');
  const secret = () => randomBytes(12).toString('hex');
  const created = await post('/msteams/enterprises', {
    name: `Demo ${unique}`,
    enterpriseAdmin: { emailId: `admin.${unique}@kohl.example`, password: secret() },
  });
  const { sid: enterpriseSid } = created.data as { sid: string };
  const bot = { applicationId: unique, tenantId: unique, clientSecret: secret(), botAppId: unique };
  await post('/msteams/teamsbot', { enterpriseSid, ...bot });
  const user = { address: `sunny.${unique}@kohl.example`, number: `+4930${randomBytes(4).readUInt32BE() % 10_000_000}` };
  await post('/msteams/mappings', { enterpriseSid, microsoftAddress: user.address, externalAddress: user.number });
  return user;
}

/** Plays both sides, one message after the other, and prints what happens to each. */
async function converse({ post, events }: Client, { address, number }: DemoUser): Promise<void> {
  const steps = [
    () => post('/stand-in/sms', { from: PHONE, to: number, body: 'Hello, are you open tomorrow?' }),
    () => post('/stand-in/teams', { microsoftAddress: address, text: 'Yes, from nine.' }),
    () => post('/stand-in/teams', { microsoftAddress: address, text: `${UNREACHABLE} A number that ends in 0 cannot be reached.` }),
  ];
  const abort = new AbortController();
  let step = 0;
  for await (const { channelStatus: status = '', channelErrorMessage, message } of events(abort.signal)) {
    if (!message) {
      // The first bookmark: every event from here on will arrive.
      if (step === 0) await steps[step++]?.();
      continue;
    }
    if (message.from !== address && message.to !== address) continue;
    const way = message.route === 'SMS_TO_TEAMS' ? 'SMS → Teams' : 'Teams → SMS';
    terminal.print(`${way}  ${message.from} → ${message.to}  ${status.padEnd(9)}  ${channelErrorMessage ?? message.body}`);
    if (!END.has(status)) continue;
    if (step === steps.length) return abort.abort();
    await steps[step++]?.();
  }
  throw new CommandError('The gateway ended the stream of message events before the demo was over.');
}

process.exitCode = await exitCodeOf(terminal, async () => {
  const [accountSid, authToken, givenUrl, ...more] = process.argv.slice(2);
  if (accountSid === '--help' || accountSid === '-h') return terminal.print(USAGE);
  if (!accountSid || !authToken || more.length > 0) throw new UsageError(USAGE);
  const gatewayUrl = gatewayUrlOf(givenUrl, terminal.env);
  const client = createClient(gatewayUrl, accountSid, authToken);
  // Before anything is created: with a real carrier, somebody would be charged for the SMS.
  for (const kind of ['sms', 'teams'] as const)
    if (!(await client.hasStandIn(kind)))
      throw new CommandError(
        `The gateway at ${gatewayUrl} is connected to ${kind === 'sms' ? 'Restcomm' : 'Microsoft'}. The demo needs one with both embedded stand-ins.`,
      );
  const user = await createUser(client);
  terminal.print(`${user.address} has the number ${user.number}\n`);
  await converse(client, user);
});
