/** A date as an input has it, in the reader's zone. */
export function dayOf(date: Date): string {
  return [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, '0')).join('-');
}

/** The beginning of a day in the reader's time zone, or of a later one; `undefined` for a text that is not a day. */
export function midnightOf(day: string, plus = 0): Date | undefined {
  if (!/^\d{4}-\d\d-\d\d$/.test(day)) return undefined;
  const [year = 0, month = 0, date = 0] = day.split('-').map(Number);
  const midnight = new Date(year, month - 1, date + plus);
  return Number.isNaN(midnight.getTime()) ? undefined : midnight;
}
