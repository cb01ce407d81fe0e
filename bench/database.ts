import pg from 'pg';

/** One statement on a connection of its own. */
export const ask = <Row extends pg.QueryResultRow>(url: string, text: string, values: readonly unknown[] = []): Promise<Row[]> =>
  connected(url, async (client) => (await client.query<Row>(text, [...values])).rows);

/** Works on a connection of its own. */
export async function connected<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** The same server, another database. */
export const inServer = (url: string, database: string) => Object.assign(new URL(url), { pathname: `/${database}` }).href;

/** Makes a database anew. */
export async function makeDatabase(server: string, name: string): Promise<string> {
  await dropDatabase(server, name);
  await ask(server, `CREATE DATABASE ${name}`);
  return inServer(server, name);
}

export async function dropDatabase(server: string, name: string): Promise<void> {
  await ask(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
}
