import type { FakeAnswer, FakeRequest } from './fake-server.ts';
import { refused, tokenOf } from './microsoft-answers.ts';
import type { MicrosoftRoute, MicrosoftState, Rates } from './microsoft-state.ts';

/** As the documents have them. */
export const DOCUMENTED: Rates = {
  thread: [
    { count: 7, perMs: 1000 },
    { count: 8, perMs: 2000 },
    { count: 60, perMs: 30_000 },
    { count: 1800, perMs: 3_600_000 },
  ],
  graph: [{ count: 30, perMs: 1000 }],
};

/** The requests that were taken, by thread or application. */
const taken = new WeakMap<MicrosoftState, Map<string, number[]>>();

/**
 * Refuses a request that is one too many: 429, of Graph with Retry-After in whole seconds ("Microsoft Graph throttling guidance"), of the connector
 * without. A refused one does not count.
 * @returns `undefined` for any other
 */
export function throttle(state: MicrosoftState, request: FakeRequest & { readonly route: MicrosoftRoute }): FakeAnswer | undefined {
  const { rates } = state;
  const bot = tokenOf(state, request)?.bot;
  if (!rates || !bot) return undefined;
  const isConnector = request.route === 'activities' || request.route === 'conversations';
  const isGraph = ['user', 'users', 'install', 'installed', 'chat', 'catalog', 'group'].includes(request.route);
  if (!isConnector && !isGraph) return undefined;
  const logs = taken.get(state) ?? new Map<string, number[]>();
  taken.set(state, logs);
  const thread = request.route === 'activities' ? request.path : request.body;
  const key = `${bot.applicationId} ${bot.tenantId} ${isGraph ? 'graph' : thread}`;
  const times = logs.get(key) ?? [];
  logs.set(key, times);
  const now = performance.now();
  const waits = (isGraph ? rates.graph : rates.thread).map(
    ({ count, perMs }) => (times.at(-count) ?? Number.NEGATIVE_INFINITY) + perMs - now,
  );
  const waitMs = Math.max(...waits);
  if (waitMs <= 0) {
    times.push(now);
    return undefined;
  }
  state.throttled.push(request.route);
  const { body } = refused(429, 'TooManyRequests', 'Too many requests.');
  return { status: 429, body, headers: isGraph ? { 'retry-after': String(Math.ceil(waitMs / 1000)) } : {} };
}
