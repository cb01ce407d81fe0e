import { AsyncResource } from 'node:async_hooks';

// Pages that are asked for alike at the same time are read once. All consoles of an organization read the same page when an event arrives.

/** How many requests one read answers, which bounds how long this process does nothing but write their responses. */
const MAX_MEMBERS = 50;
/** How long a group waits for the read before it, in ms: a slow one must not double what the next one takes. */
const MAX_WAIT_MS = 5;

/** Requests whose work has not begun, so that it finds whatever was stored before they arrived. */
interface AlikeGroup<Result> {
  readonly result: Promise<Result>;
  readonly begin: () => void;
  members: number;
}

/** The work of one key. */
interface AlikeLine<Result> {
  running: number;
  next: AlikeGroup<Result> | undefined;
}

/**
 * Runs alike work once for the requests of one turn of the event loop, and for those that arrive while it runs for earlier ones. No request gets what
 * was read before it arrived.
 * @param isOwn whether a result is of one request only. The others then run their own work, as they do if it fails
 * @returns a function that runs `work`, or joins a request with the same `key` whose work has not begun
 */
export function createAlike<Result>(isOwn: (result: Result) => boolean) {
  const lines = new Map<string, AlikeLine<Result>>();

  function open(key: string, line: AlikeLine<Result>, work: () => Promise<Result>): Promise<Result> {
    // In the first request's trace, though the work before may begin it. AsyncResource.bind costs many times as much: it defines deprecated properties.
    const trace = new AsyncResource('AlikeGroup');
    let run = () => {};
    const result = new Promise<Result>((resolve) => {
      run = () => {
        if (line.next === group) line.next = undefined;
        cancel();
        line.running += 1;
        const running = work();
        resolve(running);
        running.then(end, end);
      };
    });
    const begin = () => trace.runInAsyncScope(run);
    const end = () => {
      line.running -= 1;
      if (line.next) line.next.begin();
      else if (line.running === 0) lines.delete(key);
    };
    const group = { result, begin, members: 1 };
    const cancel = line.running === 0 ? immediately(begin) : after(begin);
    line.next = group;
    return result;
  }

  async function join(group: AlikeGroup<Result>, work: () => Promise<Result>): Promise<Result> {
    group.members += 1;
    if (group.members === MAX_MEMBERS) group.begin();
    try {
      const result = await group.result;
      if (!isOwn(result)) return result;
    } catch {
      // Of another request: its client may have gone.
    }
    return work();
  }

  return (key: string, work: () => Promise<Result>): Promise<Result> => {
    const line = lines.get(key);
    if (line) return line.next ? join(line.next, work) : open(key, line, work);
    const first: AlikeLine<Result> = { running: 0, next: undefined };
    lines.set(key, first);
    return open(key, first, work);
  };
}

function immediately(begin: () => void): () => void {
  const immediate = setImmediate(begin);
  return () => clearImmediate(immediate);
}

function after(begin: () => void): () => void {
  const timer = setTimeout(begin, MAX_WAIT_MS);
  return () => clearTimeout(timer);
}
