/** Lets one side wait until the other wakes it, or until a timeout. A wake-up while nothing waits is kept for the next wait. */
export interface WakeUp {
  wake(): void;
  /**
   * Resolves at the next wake-up, or at once if one was kept.
   * @param ms the longest wait
   */
  wait(ms: number): Promise<void>;
}

export function createWakeUp(): WakeUp {
  let kept = false;
  let waiting: (() => void) | undefined;
  return {
    wake: () => {
      if (waiting) waiting();
      else kept = true;
    },
    wait: (ms) =>
      new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer);
          waiting = undefined;
          kept = false;
          resolve();
        };
        const timer = setTimeout(done, ms);
        waiting = done;
        if (kept) done();
      }),
  };
}
