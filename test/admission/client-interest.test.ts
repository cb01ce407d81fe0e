import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { type ClientConnection, ClientInterest } from '../../src/admission/client-interest.ts';

const connection = () => Object.assign(new EventEmitter(), { destroyed: false }) satisfies ClientConnection;

test('a client that has its answer waits for nothing more, and its connection keeps no listener', () => {
  const kept = connection();
  const interest = new ClientInterest(kept);
  let ended = 0;
  interest.onLost(() => {
    ended += 1;
  });
  expect([interest.isLost(), kept.listenerCount('close')]).toEqual([false, 1]);
  interest.end();
  expect([interest.isLost(), ended, kept.listenerCount('close')]).toEqual([true, 1, 0]);
  // What another part of the operation begins only now, after an error was answered.
  interest.onLost(() => {
    ended += 1;
  });
  kept.emit('close');
  expect([ended, kept.listenerCount('close')]).toEqual([1, 0]);
});

test('a change goes on after the answer', () => {
  const interest = new ClientInterest(connection());
  interest.keep();
  interest.end();
  interest.timeOut();
  expect(interest.isLost()).toBe(false);
});
