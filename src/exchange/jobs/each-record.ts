import { isUnavailable } from '../../database/unavailable.ts';

/**
 * Does something with each of a job's records. One that fails is noted, and the others go on.
 * @param note tells an operator of a record that failed
 * @throws a database error if the database is unavailable, which says nothing about the record
 */
export async function forEachRecord<Entry>(
  records: readonly Entry[],
  work: (record: Entry) => Promise<unknown>,
  note: (record: Entry, error: unknown) => void,
): Promise<void> {
  for (const record of records) {
    try {
      await work(record);
    } catch (error) {
      if (isUnavailable(error)) throw error;
      note(record, error);
    }
  }
}
