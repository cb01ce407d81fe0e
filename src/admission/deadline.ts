import { type ClientConnection, ClientInterest } from './client-interest.ts';

/** What to do with work that ends after its deadline. */
interface AfterDeadline<Result> {
  readonly failed: (error: unknown) => void;
  readonly discard?: (result: Result) => void;
}

/**
 * Runs `work` with a deadline. Work that misses it is not stopped, but for the statements of queries: its changes may still take effect.
 * @param client tells when nobody waits for the work
 * @param work gets its client's interest, and skips what is no longer needed
 * @param late makes the result for work that misses its deadline
 */
export async function withDeadline<Result>(
  ms: number,
  client: ClientConnection | AbortSignal | undefined,
  work: (interest: ClientInterest) => Promise<Result>,
  late: () => Result,
  afterDeadline: AfterDeadline<Result>,
): Promise<Result> {
  const interest = new ClientInterest(client);
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<Result>((resolve) => {
    timer = setTimeout(() => {
      resolve(late());
      interest.timeOut();
    }, ms);
  });
  const done = work(interest);
  try {
    return await Promise.race([done, expired]);
  } finally {
    clearTimeout(timer);
    interest.end();
    if (interest.hasTimedOut) done.then(afterDeadline.discard, afterDeadline.failed);
  }
}
