/**
 * Whether an update changes a row. If not, its `dateUpdated` stays, and nothing is recorded in the audit log.
 * @param change the columns as they would be written; `undefined` leaves the stored value
 */
export function differs<Row extends object>(row: Row, change: Partial<Row>): boolean {
  return Object.entries(change).some(([column, value]) => value !== undefined && row[column as keyof Row] !== value);
}
