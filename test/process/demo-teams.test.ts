import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DEMO_DIRECTORY } from '../../src/cli/demo/demo-session.ts';
import { PHONE } from '../../src/cli/demo/demo-setup.ts';
import { PLAYGROUND_USER } from '../../src/cli/demo/playground.ts';
import { packageRoot } from '../../src/database/package-root.ts';
import { GatewayProcess } from './gateway-process.ts';

let cwd: string;
const started: GatewayProcess[] = [];
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'demo-teams-'));
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((program) => program.end('SIGTERM')));
  await rm(cwd, { recursive: true });
});

function run(program: string, ...args: string[]): GatewayProcess {
  const running = new GatewayProcess({}, [process.execPath, join(packageRoot(), 'dist', `${program}.js`), ...args], cwd);
  started.push(running);
  return running;
}

test('the demo works from both sides, allows one player at a time, and leaves nothing behind', async () => {
  const demo = run('demo-teams');
  await demo.says('Ctrl-C ends all of it.');
  const directory = join(cwd, DEMO_DIRECTORY);
  const { playgroundUrl, gatewayUrl, number } = JSON.parse(readFileSync(join(directory, 'session.json'), 'utf8'));
  expect((await stat(join(directory, 'session.json'))).mode & 0o077).toBe(0);
  expect(demo.stdout).toContain(playgroundUrl);

  const second = run('demo-teams');
  expect(await second.exited).toMatchObject({ code: 1 });
  expect(second.stderr).toBe(`A demo already runs: ${playgroundUrl}\n`);

  const phone = run('phone', PHONE, 'Hello,', 'are', 'you', 'open?');
  await phone.says(`Phone:  Hello, are you open?\n        (posted to Teams)\n`);
  expect(phone.stdout).toContain(number);
  // As the page posts what its user types.
  const typed = { type: 'text', text: `${PHONE} Yes, until six.`, textFormat: 'plain', from: { id: PLAYGROUND_USER.id } };
  await fetch(`${playgroundUrl}/_conversation/v1/conversations/personal-chat-id/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(typed),
  });
  await phone.says('Teams:  Yes, until six.\n');

  expect(await demo.end('SIGINT')).toEqual({ code: 0, signal: null });
  expect(await phone.exited).toEqual({ code: 0, signal: null });
  expect(phone.stdout).toContain('The demo has ended.');
  expect(existsSync(directory)).toBe(false);
  for (const url of [playgroundUrl, gatewayUrl]) await expect(fetch(url)).rejects.toThrow('fetch failed');
});

test('without a demo, the phone explains what to do', async () => {
  const phone = run('phone', PHONE, 'Hello');
  expect(await phone.exited).toMatchObject({ code: 1 });
  expect(phone.stderr).toBe('No demo runs here. Start one in another terminal: npm run demo:teams\n');
});
