import { randomBytes } from 'node:crypto';

// Runs a conversation in both directions through a running gateway with the embedded stand-ins, and prints every status as it changes.

const USAGE = `npm run demo -- <account SID> <auth token> [gateway URL]

The gateway prints the SID and the token at its first start.`;

const [accountSid, authToken, gatewayUrl = 'http://127.0.0.1:4000'] = process.argv.slice(2);
if (!accountSid || !authToken) {
  console.error(USAGE);
  process.exit(2);
}
const authorization = `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}`;
const json = { authorization, 'content-type': 'application/json' };

async function post(path: string, body: object): Promise<Record<string, unknown>> {
  const response = await fetch(new URL(path, gatewayUrl), { method: 'POST', headers: json, body: JSON.stringify(body) });
  const result = (await response.json()) as Record<string, unknown>;
  if (!response.ok) throw new Error(`${path}: ${JSON.stringify(result)}`);
  return result;
}

interface Update {
  readonly status?: string;
  readonly errorMessage?: string | null;
  readonly message?: { readonly route: string; readonly from: string; readonly to: string; readonly body: string };
}

const EVENTS = `subscription { messageEvents { ... on MessageEvent { status errorMessage message { route from to body } } } }`;

/** Subscribes to message events, over server-sent events as a browser would. */
async function* events(signal: AbortSignal): AsyncGenerator<Update> {
  const url = new URL('/graphql', gatewayUrl);
  url.searchParams.set('query', EVENTS);
  const response = await fetch(url, { headers: { authorization, accept: 'text/event-stream' }, signal });
  let text = '';
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    const frames = text.split('\n\n');
    text = frames.pop() ?? '';
    for (const frame of frames) {
      const data = /^data: (.+)$/m.exec(frame)?.[1];
      if (data) yield JSON.parse(data).data.messageEvents;
    }
  }
}

const END = new Set(['DELIVERED', 'UNDELIVERED', 'FAILED']);
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
for await (const { status, errorMessage, message } of events(abort.signal)) {
  if (!message) {
    // The first bookmark: every event from here on will arrive.
    if (step === 0) await steps[step++]?.();
    continue;
  }
  if (message.from !== user && message.to !== user) continue;
  const way = message.route === 'SMS_TO_TEAMS' ? 'SMS → Teams' : 'Teams → SMS';
  console.log(`${way}  ${message.from} → ${message.to}  ${status?.padEnd(9)}  ${errorMessage ?? message.body}`);
  if (!END.has(status ?? '')) continue;
  if (step === steps.length) break;
  await steps[step++]?.();
}
abort.abort();
