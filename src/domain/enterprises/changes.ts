/**
 * Whether an update changes a row. If not, its `dateUpdated` stays, and nothing is recorded in the audit log.
 * @param change the columns as they would be written; `undefined` leaves the stored value
 */
export function differs<Row extends object>(row: Row, change: Partial<Row>): boolean {
  const comparable = (value: unknown) => (value instanceof Date ? value.getTime() : value);
  return Object.entries(change).some(
    ([column, value]) => value !== undefined && comparable(row[column as keyof Row]) !== comparable(value),
  );
}
