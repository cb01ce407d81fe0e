import { expect } from 'vitest';
import type { Database } from '../../src/database/connect.ts';
import { type Listener, listen } from '../../src/server/server.ts';
import { authorizationOf, type Credentials } from '../support/credentials.ts';
import type { TestGateway } from '../support/gateway.ts';

/** A document, its variables, and who asks. */
export interface Question {
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly operationName?: string;
}

/** One gateway on two ports: on one, known documents take the short way; on the other, all take the general one. */
export interface BothWays {
  /** The general answer, with the short way's held against it: at its first time, when it is compiled, and when it is known. */
  same(who: Credentials, question: Question): Promise<{ status: number; body: string }>;
  /** The answer of the short way, whose document came before. */
  short(who: Credentials, question: Question): Promise<{ status: number; body: string }>;
  /** The general answer. */
  general(who: Credentials, question: Question): Promise<{ status: number; body: string }>;
  close(): Promise<void>;
}

/** What differs between any two answers. */
const OWN = new Set(['date', 'x-request-id', 'keep-alive', 'connection', 'transfer-encoding', 'content-length']);

/** An answer, without that. */
export const told = async (response: Response) => ({
  status: response.status,
  headers: Object.fromEntries([...response.headers].filter(([name]) => !OWN.has(name))),
  body: await response.text(),
});

export async function bothWays({ app }: TestGateway): Promise<BothWays> {
  const place = { host: '127.0.0.1', port: 0 };
  const [short, general] = await Promise.all([listen(app.fetch, { ...place, direct: app.direct }), listen(app.fetch, place)]);

  async function answer({ url }: Listener, who: Credentials, question: Question) {
    const headers = { 'content-type': 'application/json', authorization: authorizationOf(who) };
    return told(await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify(question) }));
  }

  return {
    same: async (who, question) => {
      const expected = await answer(general, who, question);
      for (let time = 1; time <= 3; time += 1) expect(await answer(short, who, question)).toEqual(expected);
      return expected;
    },
    short: (who, question) => answer(short, who, question),
    general: (who, question) => answer(general, who, question),
    close: async () => {
      await Promise.all([short.drain(1000), general.drain(1000)]);
    },
  };
}

/** A database, and the texts of the statements that are asked of it by SQL of our own. */
export function overheard(database: Database): { readonly database: Database; readonly asked: string[] } {
  const asked: string[] = [];
  const { query, queryBriefly, queryAsWritten, read, readTogether, writeTogether } = database.sql;
  const sql: Database['sql'] = {
    query: (text, values) => {
      asked.push(text);
      return query(text, values);
    },
    queryBriefly: (text, values) => {
      asked.push(text);
      return queryBriefly(text, values);
    },
    queryAsWritten: (text, values) => {
      asked.push(text);
      return queryAsWritten(text, values);
    },
    read: (text, values) => {
      asked.push(text);
      return read(text, values);
    },
    readTogether: (statement) => {
      asked.push(statement.text);
      return readTogether(statement);
    },
    writeTogether: (statement) => {
      asked.push(statement.text);
      return writeTogether(statement);
    },
  };
  return { database: { ...database, sql }, asked };
}

/** Does a statement pack what it reads? */
export const isPacked = (text: string) => text.includes('string_agg');
