import { createInterface } from 'node:readline';
import { createClient, END, type Update } from '../client.ts';
import { CommandError, exitCodeOf, UsageError } from '../session.ts';
import { terminal } from '../terminal.ts';
import { DEMO_DIRECTORY, readSession } from './demo-session.ts';

const USAGE = `Plays a phone: sends an SMS to the number of the demo that runs (npm run demo:teams), and shows what comes back.

  npm run phone -- <number> "text"   e.g. npm run phone -- +491713920075 "Hello"

Each line that you type is another SMS. Ctrl-C ends it. A phone whose number ends in 0 receives nothing: the embedded carrier cannot reach it.`;

const digitsOf = (number: string): string => number.replaceAll(/\D/g, '');

/** Describes an update from the phone's side. @returns `undefined` if it does not concern this phone, or is not final */
function describe(phone: string, { channelStatus: status = '', channelErrorMessage, message }: Update): string | undefined {
  if (!message || !END.has(status)) return undefined;
  const isDelivered = status === 'DELIVERED';
  if (message.route === 'SMS_TO_TEAMS' && digitsOf(message.from) === digitsOf(phone))
    return isDelivered ? '        (posted to Teams)' : `        (not posted to Teams: ${channelErrorMessage})`;
  if (message.route === 'TEAMS_TO_SMS' && digitsOf(message.to) === digitsOf(phone))
    return isDelivered ? `Teams:  ${message.body}` : `        (an answer did not arrive: ${channelErrorMessage})`;
  return undefined;
}

async function play(phone: string, text: string): Promise<void> {
  const session = readSession(DEMO_DIRECTORY);
  if (!session) throw new CommandError('No demo runs here. Start one in another terminal: npm run demo:teams');
  const { post, events } = createClient(session.gatewayUrl, session.accountSid, session.authToken);
  const send = async (body: string) => {
    terminal.print(`Phone:  ${body}`);
    await post('/stand-in/sms', { from: phone, to: session.number, body });
  };
  terminal.print(`${phone} writes to ${session.number}. Answer at ${session.playgroundUrl}\n`);
  let isFollowing = false;
  try {
    for await (const update of events(new AbortController().signal)) {
      if (!isFollowing) {
        isFollowing = true;
        await send(text);
        createInterface(process.stdin).on('line', (line) => {
          if (line.trim()) send(line).catch((error: Error) => terminal.printError(error.message));
        });
        continue;
      }
      const line = describe(phone, update);
      if (line) terminal.print(line);
    }
  } catch (error) {
    if (!isFollowing || readSession(DEMO_DIRECTORY)) throw error;
  } finally {
    process.stdin.destroy();
  }
  terminal.print('The demo has ended.');
}

process.exitCode = await exitCodeOf(terminal, async () => {
  const [number = '', ...words] = process.argv.slice(2);
  if (number === '--help' || number === '-h') return terminal.print(USAGE);
  const phone = number.replaceAll(/[\s().-]/g, '');
  const text = words.join(' ').trim();
  if (!/^\+?\d{3,15}$/.test(phone) || !text) throw new UsageError(USAGE);
  await play(phone, text);
});
