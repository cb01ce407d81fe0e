import { randomBytes } from 'node:crypto';
import { createClient, END } from './client.ts';

// Runs a conversation in both directions through a running gateway with the embedded stand-ins, and prints every status as it changes.

const USAGE = `npm run demo -- <account SID> <auth token> [gateway URL]

The gateway prints the SID and the token at its first start.`;

const [accountSid, authToken, gatewayUrl = 'http://127.0.0.1:4000'] = process.argv.slice(2);
if (!accountSid || !authToken) {
  console.error(USAGE);
  process.exit(2);
}
const { post, events } = createClient(gatewayUrl, accountSid, authToken);

const unique = randomBytes(3).toString('hex');
const number = `+4930${randomBytes(4).readUInt32BE() % 10_000_000}`;
const user = `sunny.${unique}@kohl.example`;
const phone = '+4915112345671';
const unreachable = '+4915112345670';

const created = await post('/msteams/enterprises', {
  name: `Demo ${unique}`,
  enterpriseAdmin: { emailId: `admin.${unique}@kohl.example`, password: randomBytes(12).toString('hex') },
});
const enterpriseSid = (created.data as { sid: string }).sid;
await post('/msteams/teamsbot', {
  enterpriseSid,
  applicationId: unique,
  tenantId: unique,
  clientSecret: randomBytes(12).toString('hex'),
  botAppId: unique,
});
await post('/msteams/mappings', { enterpriseSid, microsoftAddress: user, externalAddress: number });
console.log(`${user} has the number ${number}\n`);

const steps = [
  () => post('/stand-in/sms', { from: phone, to: number, body: 'Hello, are you open tomorrow?' }),
  () => post('/stand-in/teams', { microsoftAddress: user, text: 'Yes, from nine.' }),
  () => post('/stand-in/teams', { microsoftAddress: user, text: `${unreachable} A number that ends in 0 cannot be reached.` }),
];
const abort = new AbortController();
let step = 0;
for await (const { channelStatus: status, channelErrorMessage, message } of events(abort.signal)) {
  if (!message) {
    // The first bookmark: every event from here on will arrive.
    if (step === 0) await steps[step++]?.();
    continue;
  }
  if (message.from !== user && message.to !== user) continue;
  const way = message.route === 'SMS_TO_TEAMS' ? 'SMS → Teams' : 'Teams → SMS';
  console.log(`${way}  ${message.from} → ${message.to}  ${status?.padEnd(9)}  ${channelErrorMessage ?? message.body}`);
  if (!END.has(status ?? '')) continue;
  if (step === steps.length) break;
  await steps[step++]?.();
}
abort.abort();
