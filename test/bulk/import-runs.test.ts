import { beforeAll, describe, expect, test } from 'vitest';
import { startImports } from '../../src/bulk/import-runner.ts';
import { createAccount } from '../../src/domain/access/accounts.ts';
import { workOnImport } from '../../src/domain/bulk/import-work.ts';
import { done, fresh } from '../parity/faces.ts';
import type { Provider, TestGateway } from '../support/gateway.ts';
import { graphClient } from '../support/graph.ts';
import { csv, importWorld, rows } from './import-world.ts';

const world = importWorld();
const { restcomm, run, stateOf, reaches, checked } = world;
let gateway: TestGateway;
let provider: Provider;
let enterpriseSid: string;
beforeAll(() => {
  ({ gateway, provider, enterpriseSid } = world);
});

describe('an import', () => {
  test('begins no row whose turn comes after the instance has begun to stop, and is free for another one', async () => {
    const state = await checked(csv(rows(3)));
    await world.runner?.stop();
    world.runner = undefined;
    await run(provider.graph, 'runMappingImport', { sid: state.sid });
    restcomm.reset();
    const stopping = new AbortController();
    const inTurn = <Result>(work: () => Promise<Result>) => {
      stopping.abort();
      return work();
    };
    await workOnImport(gateway.gateway, state.sid, { holder: 'stopping', inTurn, signal: stopping.signal });
    expect(restcomm.calls).toEqual([]);
    expect(await stateOf(state.sid)).toMatchObject({ status: 'RUNNING', isInterrupted: false, counts: { valid: 3 } });
    world.runner = startImports(gateway.gateway, { everyMs: 60_000 });
    expect((await reaches(state.sid, 'COMPLETED')).counts).toMatchObject({ created: 3 });
  });

  test('is not tried again at once where the database refuses writes, as a standby does', async () => {
    const state = await checked(csv(rows(1)));
    await world.runner?.stop();
    await run(provider.graph, 'runMappingImport', { sid: state.sid });
    const { prisma } = gateway.database;
    const { mappingImport } = prisma;
    let claims = 0;
    const updateMany = async () => {
      claims += 1;
      throw new Error('cannot execute UPDATE in a read-only transaction');
    };
    const findMany = (...args: Parameters<typeof mappingImport.findMany>) => mappingImport.findMany(...args);
    const standby: typeof prisma = Object.create(prisma, { mappingImport: { value: { findMany, updateMany } } });
    world.runner = startImports({ ...gateway.gateway, prisma: standby }, { everyMs: 60_000 });
    await expect.poll(() => claims).toBe(1);
    for (let n = 0; n < 20; n++) await mappingImport.findMany({ take: 1 });
    expect(claims).toBe(1);
    await world.runner.stop();
    world.runner = startImports(gateway.gateway, { everyMs: 60_000 });
    await reaches(state.sid, 'COMPLETED');
  });

  test('that has crashed is visible, and goes on without doubling anything', async () => {
    const state = await checked(csv(rows(5)));
    await world.runner?.stop();
    world.runner = undefined;
    await run(provider.graph, 'runMappingImport', { sid: state.sid });
    // As an instance leaves it that died after it had created the first row, and before it noted so.
    const [first] = state.rows;
    const { sid: mappingSid } = await done(provider, 'createMapping', {
      ...{ enterpriseSid, name: first.name, microsoftAddress: first.microsoftAddress, externalAddress: first.externalAddress },
    });
    const { prisma } = gateway.database;
    await prisma.mappingImport.update({ where: { sid: state.sid }, data: { holder: 'dead', heldUntil: new Date(Date.now() - 1) } });
    expect(await stateOf(state.sid)).toMatchObject({ status: 'RUNNING', isInterrupted: true, counts: { valid: 5 } });
    expect(await run(provider.graph, 'runMappingImport', { sid: state.sid })).toMatchObject({ code: 'IMPORT_NOT_READY' });
    world.runner = startImports(gateway.gateway, { everyMs: 20 });
    const { counts, rows: after } = await reaches(state.sid, 'COMPLETED');
    expect(counts).toMatchObject({ created: 4, existing: 1, failed: 0 });
    expect(after[0]).toMatchObject({ status: 'EXISTING', mappingSid });
    // The same file again.
    const again = await checked(
      csv(after.map((row: Record<string, string>) => [row.name, row.microsoftAddress, row.externalAddress] as string[])),
    );
    expect(again.counts).toMatchObject({ existing: 5, valid: 0, invalid: 0 });
  });

  test('is not worked on while another instance does', async () => {
    const state = await checked(csv(rows(1)));
    await world.runner?.stop();
    await run(provider.graph, 'runMappingImport', { sid: state.sid });
    const { prisma } = gateway.database;
    await prisma.mappingImport.update({ where: { sid: state.sid }, data: { holder: 'other', heldUntil: new Date(Date.now() + 60_000) } });
    world.runner = startImports(gateway.gateway, { everyMs: 10 });
    const other = await checked(csv(rows(1)));
    expect(other.status).toBe('CHECKED');
    expect(await stateOf(state.sid)).toMatchObject({ status: 'RUNNING', isInterrupted: false, counts: { valid: 1 } });
  });

  test('ends with the credentials that started it, and others run it again', async () => {
    const { account, authToken } = await createAccount(gateway.gateway, {
      organization: { sid: provider.organizationSid },
      email: fresh.email(),
    });
    const colleague = graphClient(gateway.fetch, { user: account.sid, password: authToken });
    const state = await checked(csv(rows(2)));
    await world.runner?.stop();
    world.runner = undefined;
    await run(colleague, 'runMappingImport', { sid: state.sid });
    await provider.graph(`mutation { suspendAccount(input: { sid: "${account.sid}" }) { __typename } }`);
    world.runner = startImports(gateway.gateway, { everyMs: 20 });
    expect(await reaches(state.sid, 'FAILED')).toMatchObject({ errorCode: 'UNAUTHENTICATED', counts: { valid: 2 } });
    await run(provider.graph, 'runMappingImport', { sid: state.sid });
    expect((await reaches(state.sid, 'COMPLETED')).counts).toMatchObject({ created: 2 });
  });
});
