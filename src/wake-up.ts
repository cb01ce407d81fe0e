/** Lets one side wait, for a while at most, until the other has something for it. A wake-up that comes while nobody waits is kept. */
export interface WakeUp {
  wake(): void;
  /** Resolves at the next wake-up, or the one kept, or after `ms`. */
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
