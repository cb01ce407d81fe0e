import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Listener, listen } from '../../src/server/server.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { sourceRows } from './source-rows.ts';

// The vendor's documentation shows a curl command for each operation. Clients were written by copying them.

const commands = readFileSync(new URL('source-curl.txt', import.meta.url), 'utf8')
  .trim()
  .split('\n\n');
const run = promisify(execFile);

const OF_NEW_BOT = 'EN97154a1c491a44f3afe05880bcc1f147';

let gateway: TestGateway;
let provider: Provider;
let listener: Listener;
beforeAll(async () => {
  gateway = await createTestGateway();
  provider = await gateway.provider();
  listener = await listen(gateway.fetch, { host: '127.0.0.1', port: 0 });
  const rows = sourceRows(gateway, provider);
  const [mac, OF_NEW_BOT, ofOldBot, ofFoundBot] = [
    'EN7d19fdad67914d91965b231cf706c065',
    'EN97154a1c491a44f3afe05880bcc1f147',
    'ENold',
    'EN9db',
  ];
  // One of the documentation's sids lacks a digit, another has three more. A sid is found as it was stored.
  for (const sid of [mac, OF_NEW_BOT, ofOldBot, ofFoundBot, 'EN2a9f885831f4a3f935b4a56f296bd9f', 'EN15fc8edcb9784ec18e91e32bfa0fb1e1'])
    await rows.enterprise(sid);
  await rows.enterprise('EN86b7850af05a454b95139d59ca420849');
  await rows.mapping('BEa0e3d44bd03947eaa3fbb783a3bc31dd', mac, '998713777011');
  await rows.mapping('BEfbacbc4979564f32802cc9f284600b84', mac, '9091909192');
  await rows.mapping('BE7c6b0bd04a92495096102b326336bb32', mac, '989898909090');
  await rows.bot('BE0aa557177fe64a1ab5fc84e329c6066a', ofOldBot);
  await rows.bot('BE733c4343e45e47a88297e4c5627df506', ofFoundBot);
  await rows.message('MS51c630e28e28e2744bb83677048e1b1c7ae', mac);
});
afterAll(async () => {
  await listener?.drain(1000);
  await gateway?.close();
});

/** The command for a shell, with this gateway's host and credentials. Typesetting has spoiled quotes and line ends, and no `&` was quoted. */
function forShell(command: string): string {
  return command
    .replaceAll('’', "'")
    .replace(/\\ (?=--)/g, ' ')
    .replace(/(\S)\\\n/g, '$1 \\\n')
    .replace(/\\$/, '')
    .replace(/https:\/\/yourdomain\.com(\S*)/, `'${listener.url}$1'`)
    .replace('{your_account_SID}', provider.accountSid)
    .replace('{your_account_token}', provider.authToken);
}

const named = commands.map((command) => {
  const [, method = '', path = ''] = /-X (\w+) \\\n\s*https:\/\/yourdomain\.com([^\s\\]*)/.exec(command) ?? [];
  return { command, method, path };
});

describe.skipIf(!existsSync('/usr/bin/curl'))("the documentation's own curl command", () => {
  test('is here for each of the 17 operations', () => {
    expect(new Set(named.map(({ method, path }) => `${method} ${path}`)).size).toBe(17);
  });

  test.each(named)('$method $path succeeds', async ({ command, method, path }) => {
    // The created bot and the updated one are of one enterprise, which has one bot here.
    const isUpdate = path.startsWith('/mxteams/teamsbot/details/');
    if (isUpdate) await gateway.database.prisma.bot.deleteMany({ where: { enterpriseSid: OF_NEW_BOT } });
    const { stdout } = await run('bash', ['-c', `${forShell(command).trim()} --silent --show-error --write-out '\n%{http_code}'`]);
    const [body = '', status] = stdout.split(/\n(?=\d+$)/);
    expect({ status, ...JSON.parse(body) }, body).toMatchObject({
      status: method === 'POST' && path === '/msteams/enterprise' ? '201' : '200',
      code: 200,
      message: 'OK',
      data: expect.any(Object),
    });
  });
});
