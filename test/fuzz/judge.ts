import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Logger, pino } from 'pino';
import { expect } from 'vitest';
import { compileOpenApi } from '../support/openapi.ts';

/** What an answer must never show: a stack, a file, a statement, a driver's or an engine's own words. */
export const INSIDE =
  /\n\s+at |\.[cm]?[jt]s:\d+|node_modules|node:internal|prisma|pglite|\bSELECT .* FROM\b|INSERT INTO|SQLSTATE|invalid byte sequence|unsupported Unicode|Cannot (read|convert|set)|is not (a function|iterable)|(Reference|Type|Range|Syntax)Error:|call stack|invocation/i;

/** How long one may take. Some wait for the listener to lose its patience. */
const LONGEST_MS = 15_000;

/** Says of each answer whether it is one that may be given, and counts it. */
export interface Judge {
  /** Keeps what is logged as an error: nothing that a client sends is one. */
  readonly log: Logger;
  /** @returns whether the operation was run */
  readonly graph: (told: string, response: Response) => Promise<boolean>;
  readonly rest: (told: string, method: string, url: URL, response: Response) => Promise<void>;
  /** Of the platforms' webhooks and other places: with one of these statuses. */
  readonly other: (face: string, told: string, response: Response, statuses: readonly number[]) => Promise<void>;
  /** Of a GraphQL result, wherever it came from. */
  readonly result: (told: string, result: unknown) => boolean;
  readonly count: (face: string, outcome: string | number) => void;
  /** Sends something. Throws where something goes wrong besides its answer: errors in the log or in nobody's hands, or a prototype that has changed. */
  readonly calmly: (told: string, send: () => Promise<void>) => Promise<void>;
  /** The bytes on the heap that are still used. */
  readonly heap: () => number;
  /** All that was counted. */
  readonly report: () => string;
  readonly describe: (document: object) => void;
}

const prototypes = [Object.prototype, Array.prototype, Function.prototype, String.prototype, Map.prototype];
const namesOf = () => prototypes.map((prototype) => Reflect.ownKeys(prototype).map(String).join()).join('\n');

export function createJudge(): Judge {
  const untouched = namesOf();
  const faults: string[] = [];
  const counts = new Map<string, Map<string, number>>();
  const startedWith = process.memoryUsage().rss;
  let openApi: ReturnType<typeof compileOpenApi> | undefined;
  process.on('uncaughtExceptionMonitor', (error) => void faults.push(`uncaught: ${error.stack}`));
  process.on('unhandledRejection', (error) => void faults.push(`unhandled: ${(error as Error)?.stack ?? error}`));
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;

  function count(face: string, outcome: string | number): void {
    const outcomes = counts.get(face) ?? new Map<string, number>();
    counts.set(face, outcomes.set(String(outcome), (outcomes.get(String(outcome)) ?? 0) + 1));
  }

  function expectOutside(told: string, { status, headers }: Response, text: string): void {
    const shown = `${text}\n${[...headers].join('\n')}`;
    // 501: a method that nobody knows.
    if (status >= 500 && status !== 501) throw new Error(`${told}\nwas answered ${status} ${text.slice(0, 2000)}`);
    if (INSIDE.test(shown)) throw new Error(`${told}\nshows the inside: ${INSIDE.exec(shown)?.[0]} in ${text.slice(0, 4000)}`);
  }

  function result(told: string, value: unknown): boolean {
    const complain = (why: string): never => {
      throw new Error(`${told}\n${why}: ${JSON.stringify(value)?.slice(0, 2000)}`);
    };
    if (typeof value !== 'object' || value === null) return complain('is no GraphQL response');
    const { data, errors, ...rest } = value as { data?: unknown; errors?: { message?: unknown; extensions?: { code?: unknown } }[] };
    if (Object.keys(rest).length > 0 || (data === undefined && !errors)) complain('is no GraphQL response');
    if (errors !== undefined && !(Array.isArray(errors) && errors.length > 0)) complain('has no error in its errors');
    for (const { message, extensions } of errors ?? []) {
      const code = extensions?.code;
      if (typeof message !== 'string' || typeof code !== 'string') complain('has an error without a code');
      if (code === 'INTERNAL_SERVER_ERROR') complain('has failed');
      count('graph errors', code as string);
    }
    if (INSIDE.test(JSON.stringify(errors ?? ''))) complain('shows the inside');
    return data !== undefined;
  }

  const judge: Judge = {
    log: pino({ level: 'error' }, { write: (line: string) => void faults.push(`${JSON.parse(line).msg} ${line.slice(0, 1200)}`) }),
    count,
    result,
    graph: async (told, response) => {
      const type = response.headers.get('content-type') ?? '';
      if (type.startsWith('text/event-stream')) {
        if (response.status === 200 && /^(HEAD|OPTIONS|PUT|DELETE|PATCH) /.test(told)) throw new Error(`${told}\nopens a stream`);
        const text = await beginningOf(response);
        count('sse', response.status);
        expectOutside(told, response, text);
        const results = [...text.matchAll(/^data: ([^\n]+)$/gm)].map(([, data]) => result(told, JSON.parse(data as string)));
        return results.includes(true) || text === ':\n\n';
      }
      const text = await response.text();
      count('graph', response.status);
      expectOutside(told, response, text);
      if (response.status === 200 && /^text\/html/.test(type)) return false;
      if (text === '' && /^(HEAD|OPTIONS)/.test(told)) return false;
      if (!/^application\/(graphql-response\+)?json; charset=utf-8$/.test(type))
        throw new Error(`${told}\nis answered as ${type}: ${text}`);
      return result(told, JSON.parse(text));
    },
    rest: async (told, method, url, response) => {
      const text = await response.text();
      count('rest', response.status);
      expectOutside(told, response, text);
      openApi?.expectMatches(method, url, response, text);
    },
    other: async (face, told, response, statuses) => {
      const text = await response.text();
      count(face, response.status);
      expectOutside(told, response, text);
      if (!statuses.includes(response.status)) throw new Error(`${told}\nwas answered ${response.status} ${text}`);
    },
    calmly: async (told, send) => {
      faults.length = 0;
      let timer: NodeJS.Timeout | undefined;
      const hanging = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`${told}\nhangs`)), LONGEST_MS);
      });
      await Promise.race([send(), hanging])
        .catch((error: Error) => {
          throw new Error(`${error.message}\n${faults.join('\n')}`);
        })
        .finally(() => clearTimeout(timer));
      if (faults.length > 0) throw new Error(`${told}\nleft ${faults.splice(0).join('\n')}`);
      if (namesOf() !== untouched) throw new Error(`${told}\nhas changed a prototype`);
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    },
    heap: () => {
      collect();
      return process.memoryUsage().heapUsed;
    },
    report: () => {
      const lines = [...counts].map(([face, outcomes]) => {
        const sorted = [...outcomes].sort(([one], [other]) => one.localeCompare(other));
        return `${face}: ${sorted.map(([outcome, times]) => `${outcome} ×${times}`).join(', ')}`;
      });
      const heap = judge.heap();
      const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
      return [
        ...lines,
        `rss: ${megabytes(startedWith)} at first, ${megabytes(process.memoryUsage().rss)} at last, ${megabytes(heap)} of it on the heap, ${megabytes(process.memoryUsage().external)} in buffers and the embedded database`,
      ].join('\n');
    },
    describe: (document) => {
      openApi = compileOpenApi(document);
    },
  };
  return judge;
}

/** What a stream says first. One that has begun is not waited for. */
async function beginningOf(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    if (value) text += decoder.decode(value, { stream: true });
    if (done || text.startsWith(':')) break;
  }
  await reader?.cancel();
  return text;
}
