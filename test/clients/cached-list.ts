import { expect } from 'vitest';
import { type ClientsGateway, newMapping } from './gateway.ts';

/** What a mutation answers. */
export interface Result {
  readonly __typename: string;
  readonly code?: string;
  readonly message?: string;
  readonly path?: readonly string[] | null;
  readonly value?: string | null;
}

/** A client that shows the list of mappings. */
export interface ListClient {
  /** Reads the list, all of its pages. */
  load(): Promise<void>;
  /** The names that it shows, from its cache. */
  names(): readonly string[];
  create(input: object): Promise<Result>;
  update(input: object): Promise<Result>;
  remove(sid: string): Promise<Result>;
  /** How often it has asked the gateway for the list. */
  requests(): number;
  /** Whether it reads the list again after a change, and so is right a moment later. */
  readonly refetches?: boolean;
}

const SEEDED = ['A', 'B', 'C', 'D', 'E', 'F', 'G'];

/** Checks that a client's list is right after each change, and that a refusal shows its fields and changes nothing. */
export async function keepsItsListRight(gateway: ClientsGateway, client: ListClient): Promise<void> {
  const shows = async (names: readonly string[]) => {
    if (client.refetches) await expect.poll(() => client.names(), { timeout: 20_000 }).toEqual(names);
    else expect(client.names()).toEqual(names);
  };
  await client.load();
  await shows(SEEDED);
  try {
    await changes(gateway, client, shows);
  } finally {
    // Those of a test that failed, so that the others do not.
    const { mappings } = await gateway.graph('{ mappings(offset: 7) { nodes { sid } } }');
    for (const input of mappings.nodes)
      await gateway.graph('mutation ($input: DeleteMappingInput!) { deleteMapping(input: $input) { __typename } }', { input });
  }
}

async function changes(gateway: ClientsGateway, client: ListClient, shows: (names: readonly string[]) => Promise<void>): Promise<void> {
  const requests = client.requests();

  const mapping = newMapping();
  const input = { enterpriseSid: gateway.enterpriseSid, name: 'X', ...mapping };
  expect((await client.create(input)).__typename).toBe('CreateMappingSuccess');
  await shows([...SEEDED, 'X']);

  const refused = await client.create({ ...input, microsoftAddress: 'another@kohl.example' });
  expect(refused).toMatchObject({
    ...{ __typename: 'ConflictError', code: 'EXTERNAL_ADDRESS_NOT_UNIQUE', message: 'externalAddress not unique' },
    ...{ path: ['externalAddress'], value: mapping.externalAddress },
  });
  expect(await client.create({ ...input, externalAddress: 'no number' })).toMatchObject({
    ...{ __typename: 'InvalidInputError', path: ['externalAddress'], value: 'no number' },
  });
  await shows([...SEEDED, 'X']);

  const { mappings } = await gateway.graph('{ mappings(last: 1) { nodes { sid } } }');
  const { sid } = mappings.nodes[0];
  expect((await client.update({ sid, name: 'Y' })).__typename).toBe('UpdateMappingSuccess');
  await shows([...SEEDED, 'Y']);

  expect((await client.remove(sid)).__typename).toBe('DeleteMappingSuccess');
  await shows(SEEDED);
  expect(await client.remove(sid)).toMatchObject({ __typename: 'NotFoundError', code: 'MAPPING_NOT_FOUND', path: ['sid'], value: sid });
  await shows(SEEDED);
  if (!client.refetches) expect(client.requests()).toBe(requests);
}

/** A `fetch` that authenticates, and counts the operations that ask for a list. */
export function countingFetch(gateway: ClientsGateway, list: string) {
  let requests = 0;
  return {
    fetch: ((url, init) => {
      if (String(init?.body ?? url).includes(list)) requests += 1;
      return fetch(url, { ...init, headers: { ...(init?.headers as Record<string, string>), authorization: gateway.authorization } });
    }) as typeof fetch,
    requests: () => requests,
  };
}
