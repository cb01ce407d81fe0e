import { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import * as ws from 'ws';
import { writeFrames } from '../../../src/graph/streams/frames.ts';
import type { Rendered } from '../../../src/live/updates.ts';

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

/** A connection that takes bytes at once, as far as its client reads. */
class Network extends Duplex {
  readonly taken: Buffer[] = [];
  readonly #held: (() => void)[] = [];

  constructor(readonly isSlow = false) {
    super();
  }

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    const take = () => {
      // A copy, as the kernel makes one.
      this.taken.push(Buffer.from(bytes));
      done();
    };
    if (this.isSlow) this.#held.push(take);
    else take();
  }

  override _read(): void {}

  readAll(): void {
    for (const take of this.#held.splice(0)) take();
  }
}

function framesOf(results: readonly Rendered[], id: string): Buffer {
  const network = new Network();
  writeFrames(network, results, id);
  return Buffer.concat(network.taken);
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

test('bytes that a slow client has not read yet are not written over with the id of another', async () => {
  const answers = [{ json: '1' }, { json: '2' }];
  const networks = ['a', 'b', 'c', 'd', 'e'].map((id, index) => ({ id, network: new Network(index % 2 === 1) }));
  for (const { id, network } of networks) writeFrames(network, answers, JSON.stringify(id));
  for (const { id, network } of networks) {
    network.readAll();
    const texts = await received(Buffer.concat(network.taken));
    expect(texts.map((text) => JSON.parse(text).id)).toEqual([id, id]);
  }
});
