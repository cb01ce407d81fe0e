/** What to do with work that ends after its deadline. */
interface AfterDeadline<Result> {
  readonly failed: (error: unknown) => void;
  readonly discard?: (result: Result) => void;
}

/**
 * Runs `work` with a deadline. Work that misses it is not stopped: its changes may still take effect.
 * @param work can ask `hasTimedOut`, and skip what is no longer needed
 * @param late makes the result for work that misses its deadline
 */
export async function withDeadline<Result>(
  ms: number,
  work: (hasTimedOut: () => boolean) => Promise<Result>,
  late: () => Result,
  afterDeadline: AfterDeadline<Result>,
): Promise<Result> {
  let isExpired = false;
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<Result>((resolve) => {
    timer = setTimeout(() => {
      isExpired = true;
      resolve(late());
    }, ms);
  });
  const done = work(() => isExpired);
  try {
    return await Promise.race([done, expired]);
  } finally {
    clearTimeout(timer);
    if (isExpired) done.then(afterDeadline.discard, afterDeadline.failed);
  }
}
