/** What becomes of work that nobody waits for any more. */
export interface Abandoned<Result> {
  readonly failed: (error: unknown) => void;
  readonly discard?: (result: Result) => void;
}

/**
 * What `work` gives, or `late()` where that takes longer than `ms`. The work itself goes on: what it changes may still come to be.
 * @param work is told by `isOver` that nobody waits for it any more
 */
export async function withDeadline<Result>(
  ms: number,
  work: (isOver: () => boolean) => Promise<Result>,
  late: () => Result,
  abandoned: Abandoned<Result>,
): Promise<Result> {
  let isOver = false;
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<Result>((resolve) => {
    timer = setTimeout(() => {
      isOver = true;
      resolve(late());
    }, ms);
  });
  const done = work(() => isOver);
  try {
    return await Promise.race([done, expired]);
  } finally {
    clearTimeout(timer);
    if (isOver) done.then(abandoned.discard, abandoned.failed);
  }
}
