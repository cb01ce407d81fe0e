import { currentSession, expire, followSession } from '../session/session.ts';
import { bodyOf, GRAPH, GraphProblem, problemIn } from './ask.ts';

/** How a stream is doing. `behind`: it is connected again, and the events since then arrive. */
export type StreamState = 'connecting' | 'live' | 'behind' | 'offline';

interface StreamOptions<Data> {
  /** A subscription that takes `after`. */
  readonly document: unknown;
  readonly variables: Readonly<Record<string, unknown>>;
  /** @returns the cursor to continue from; nothing if each connection begins with the state of now */
  readonly onNext: (data: Data) => string | undefined;
  readonly onState?: (state: StreamState) => void;
  /** The gateway refuses the subscription, which is tried again. */
  readonly onRefused?: (problem: GraphProblem) => void;
  /** The events since the last cursor are gone: what is shown must be read again. */
  readonly onLost?: () => void;
  /** The subscription is complete: nothing more will come. One that has no end is connected again. */
  readonly onEnd?: () => void;
}

/** The gateway sends something every 20 s: a stream that is silent for longer is dead. In ms. */
const SILENCE = 25_000;
/** Events that a stream has missed come at once. After so long without one it has them all, in ms. */
const QUIET = 1000;
/** How long to wait before each further attempt, in ms. */
const DELAYS = [250, 1000, 2000, 5000, 10_000];

/**
 * Follows a subscription by server-sent events, for as long as somebody is signed in: connects again when the connection is lost, and continues from
 * the last cursor, so that nothing is missing after a laptop's sleep.
 * @returns a function that ends it
 */
export function followStream<Data>(options: StreamOptions<Data>): () => void {
  const { document, variables, onNext, onState = () => {}, onRefused, onLost, onEnd } = options;
  const ended = new AbortController();
  let cursor: string | undefined;
  let attempt = 0;
  let wake = () => {};
  /** The token of the connection, and a way to end it. */
  let open: { readonly token: string; readonly leave: () => void } | undefined;

  async function run() {
    while (!ended.signal.aborted) {
      // After the token was renewed, nothing is amiss.
      onState(attempt === 0 ? 'connecting' : 'offline');
      await Promise.race([pause(attempt === 0 ? 0 : (DELAYS[attempt - 1] ?? DELAYS.at(-1) ?? 0)), woken()]);
      if (ended.signal.aborted) return;
      attempt += 1;
      await connect().catch(() => undefined);
    }
  }
  const woken = () => new Promise<void>((resolve) => (wake = resolve));

  async function connect() {
    const connection = new AbortController();
    const leave = () => connection.abort();
    const { token = '' } = currentSession() ?? {};
    open = { token, leave };
    ended.signal.addEventListener('abort', leave);
    // The connection may look open for a while after the network is gone.
    window.addEventListener('offline', leave);
    let watchdog = window.setTimeout(leave, SILENCE);
    let quiet: number | undefined;
    const settle = () => {
      clearTimeout(quiet);
      quiet = window.setTimeout(() => onState('live'), QUIET);
    };
    try {
      const response = await fetch(GRAPH, {
        method: 'POST',
        credentials: 'omit',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          accept: 'text/event-stream',
        },
        body: bodyOf(document, cursor === undefined ? variables : { ...variables, after: cursor }),
        signal: connection.signal,
      });
      if (response.status === 401) return expire(token);
      if (!response.ok || !response.body) return onRefused?.(await refusalIn(response));
      // With a cursor, it catches up first. Without one, it is live once its first event says that it is not refused.
      let isBegun = cursor !== undefined;
      if (isBegun) onState('behind');
      if (isBegun) settle();
      for await (const { event, data } of framesOf(response.body, () => {
        clearTimeout(watchdog);
        watchdog = window.setTimeout(leave, SILENCE);
      })) {
        if (event === 'complete') return onEnd && end();
        const answer = JSON.parse(data) as { data?: Data; errors?: never };
        const problem = problemIn(answer);
        if (problem) return fail(problem, token);
        if (!answer.data) continue;
        // Only now: one that is refused by an error is tried ever more seldom.
        attempt = 1;
        if (!isBegun) onState('live');
        isBegun = true;
        cursor = onNext(answer.data);
        if (quiet !== undefined) settle();
      }
    } finally {
      open = undefined;
      clearTimeout(watchdog);
      clearTimeout(quiet);
      ended.signal.removeEventListener('abort', leave);
      window.removeEventListener('offline', leave);
    }
  }

  function fail(problem: GraphProblem, token: string) {
    const { code } = problem;
    if (code === 'UNAUTHENTICATED') return expire(token);
    if (code !== 'CURSOR_EXPIRED' && code !== 'CURSOR_INVALID') return onRefused?.(problem);
    cursor = undefined;
    onLost?.();
  }
  function end() {
    ended.abort();
    onEnd?.();
  }

  const tryNow = () => {
    attempt = Math.min(attempt, 1);
    wake();
  };
  const unfollow = followSession(() => {
    if (open?.token === currentSession()?.token) return;
    // A connection with the former token would end with it.
    attempt = 0;
    open?.leave();
    wake();
  });
  window.addEventListener('online', tryNow);
  void run();
  return () => {
    ended.abort();
    wake();
    unfollow();
    window.removeEventListener('online', tryNow);
  };
}

/** Why a subscription was refused. A proxy's answer does not say. */
async function refusalIn(response: Response): Promise<GraphProblem> {
  const answer = (await response.json().catch(() => ({}))) as Parameters<typeof problemIn>[0];
  return problemIn(answer) ?? new GraphProblem('UNKNOWN', `${response.status} ${response.statusText}`);
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

interface Frame {
  readonly event: 'next' | 'complete';
  readonly data: string;
}

/** The events of a stream. `onBytes` is called at any sign of life, comments included. */
async function* framesOf(body: ReadableStream<Uint8Array<ArrayBuffer>>, onBytes: () => void): AsyncGenerator<Frame> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    onBytes();
    text += value;
    const frames = text.split('\n\n');
    text = frames.pop() ?? '';
    for (const frame of frames) {
      const lines = frame.split('\n');
      const event = lines.includes('event: next') ? 'next' : lines.includes('event: complete') ? 'complete' : undefined;
      if (!event) continue;
      yield { event, data: lines.flatMap((line) => (line.startsWith('data: ') ? [line.slice('data: '.length)] : [])).join('\n') };
    }
  }
}
