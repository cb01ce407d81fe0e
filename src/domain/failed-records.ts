import { channel } from 'node:diagnostics_channel';

/** The jobs that go on with the other records if one fails. */
export const jobsOfRecords = [
  'erase-people',
  'expire-held-texts',
  'fill-conversations',
  'reconcile-statuses',
  'recover-inbound',
  'retain-messages',
] as const;
type JobOfRecords = (typeof jobsOfRecords)[number];

/** A job's run counts as done although records failed in it, so each of those passes here. */
const failures = channel('teams-sms-gateway.failed-records');

/** Publishes that a job could not handle one of its records. The log says which. */
export function publishFailedRecord(job: JobOfRecords): void {
  if (failures.hasSubscribers) failures.publish(job);
}

/** Calls a function with the job of each failed record from now on. It must not throw. @returns a function that ends this */
export function onFailedRecord(observe: (job: JobOfRecords) => void): () => void {
  const listener = (job: unknown) => observe(job as JobOfRecords);
  failures.subscribe(listener);
  return () => void failures.unsubscribe(listener);
}
