import { isDeepStrictEqual } from 'node:util';

/** What a server answers to one request. @throws Error where it is not a 200 with data */
export async function answerOf(response: Response): Promise<unknown> {
  const text = await response.text();
  const answer = JSON.parse(text) as { data?: unknown; errors?: unknown };
  if (response.status !== 200 || answer.errors || !answer.data) throw new Error(`${response.url} answered ${response.status} ${text}`);
  return answer.data;
}

/** @throws Error where the answers differ in more than how cursors and the offsets of times are written */
export function requireSame(name: string, answer: unknown, expected: unknown): void {
  const [one, other] = [comparable(answer), comparable(expected)];
  if (isDeepStrictEqual(one, other)) return;
  throw new Error(`${name} answers differently:\n${JSON.stringify(one)}\nand not\n${JSON.stringify(other)}`);
}

function comparable(answer: unknown): unknown {
  const text = JSON.stringify(answer, (key, value) => {
    if (key === 'endCursor') return typeof value;
    return /^date/.test(key) && typeof value === 'string' && !/\+0000$/.test(value) ? new Date(value).toISOString() : value;
  });
  return JSON.parse(text);
}
