import { expect, test } from 'vitest';
import * as ws from 'ws';
import { framesOf } from '../../../src/graph/streams/frames.ts';

/** The other end, by ws itself. */
const { Receiver } = ws as unknown as { Receiver: new (options: object) => NodeJS.WritableStream };

async function received(bytes: Buffer): Promise<string[]> {
  const texts: string[] = [];
  const receiver = new Receiver({ isServer: false });
  receiver.on('message', (data: Buffer, isBinary: boolean) => texts.push(isBinary ? 'binary' : String(data)));
  await new Promise<void>((resolve, reject) => {
    receiver.on('error', reject);
    receiver.write(bytes, () => resolve());
  });
  return texts;
}

test.each(['1', 'b7f3a0c4-9c07-4a3e-8f0e-6f3a0b9f2f11', '"}\n{"type":"next",\u2028\\', 'ключ', '\ud800'])(
  'results of every length with another frame header are the messages of %j, one by one',
  async (id) => {
    const lengths = [1, 2, ...Array.from({ length: 140 }, (_, n) => n), ...Array.from({ length: 140 }, (_, n) => 65_420 + n), 70_000];
    const answers = lengths.map((length) => ({ json: JSON.stringify('ä'.repeat(length & 1) + 'x'.repeat(length)) }));
    const texts = await received(framesOf(answers, JSON.stringify(id)));
    expect(texts.map((text) => JSON.parse(text))).toEqual(answers.map(({ json }) => ({ id, type: 'next', payload: JSON.parse(json) })));
  },
);

test('subscriptions with equal results each have their own id', async () => {
  const answers = [{ json: '1' }, { json: '2' }];
  const ids = ['a', 'b', 'longer', 'ä', 'c'];
  const frames = ids.map((id) => framesOf(answers, JSON.stringify(id)));
  for (const [index, id] of ids.entries()) {
    const texts = await received(frames[index] as Buffer);
    expect(texts.map((text) => JSON.parse(text).id)).toEqual([id, id]);
  }
});
