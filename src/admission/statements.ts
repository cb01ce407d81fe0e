import type { QueryResultRow } from 'pg';
import { type Interest, LostInterestError } from '../database/interest.ts';
import type { Sql } from '../database/sql.ts';
import { createFairness, type Fairness, type FairnessOptions } from './fairness.ts';

/**
 * An organization's statements that take time, such as those of thirty aliases of one operation. Others' operations keep the connections and processors that
 * remain. Statements that are read together are short, and not among them.
 */
const STATEMENTS: FairnessOptions = { maxRunning: 3, maxRunningContended: 1, maxWaiting: Number.POSITIVE_INFINITY, briefMs: 5 };

/**
 * Returns an organization's ways to run SQL, and notes that it is active.
 * @param interest whether anybody waits for the statements; absent: somebody always does
 */
export type StatementTurns = (organizationSid: string, interest?: Interest) => Sql;

/**
 * Has organizations take turns with their statements, whichever of their accounts and admins asks for them. Statements that nobody waits for any more are
 * not begun, and end.
 */
export function createStatementTurns(sql: Sql): StatementTurns {
  const turns = createFairness(STATEMENTS);
  return (organizationSid, interest) => {
    turns.note(organizationSid);
    return new SqlInTurn(sql, turns, organizationSid, interest);
  };
}

/** A class, since every request has one: it has no closures of its own. */
class SqlInTurn implements Sql {
  readonly #sql: Sql;
  readonly #turns: Fairness;
  readonly #organizationSid: string;
  readonly #interest: Interest | undefined;
  readonly queryAsWritten: Sql['queryAsWritten'];
  readonly readTogether: Sql['readTogether'];
  readonly writeTogether: Sql['writeTogether'];
  readonly bounds: Sql['bounds'];
  readonly lists: Sql['lists'];

  constructor(sql: Sql, turns: Fairness, organizationSid: string, interest: Interest | undefined) {
    this.#sql = sql;
    this.#turns = turns;
    this.#organizationSid = organizationSid;
    this.#interest = interest;
    this.queryAsWritten = sql.queryAsWritten;
    this.readTogether = sql.readTogether;
    this.writeTogether = sql.writeTogether;
    this.bounds = sql.bounds;
    this.lists = sql.lists && new SqlInTurn(sql.lists, turns, organizationSid, interest);
  }

  query<Row extends QueryResultRow>(text: string, values: readonly unknown[]): Promise<Row[]> {
    return this.#inTurn(this.#sql.query, text, values);
  }

  queryBriefly<Row extends QueryResultRow>(text: string, values: readonly unknown[]): Promise<Row[]> {
    return this.#inTurn(this.#sql.queryBriefly, text, values);
  }

  read<Row extends QueryResultRow>(text: string, values: readonly unknown[]): Promise<Row[]> {
    return this.#inTurn(this.#sql.read, text, values);
  }

  #inTurn<Row extends QueryResultRow>(run: Sql['query'], text: string, values: readonly unknown[]): Promise<Row[]> {
    const interest = this.#interest;
    return this.#turns.run(this.#organizationSid, () => {
      if (interest?.isLost()) throw new LostInterestError();
      return run<Row>(text, values, interest);
    });
  }
}
