import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import type { Server } from './server.ts';

/** The option that a server needs for this. */
export const INSPECTED = '--inspect=127.0.0.1:0';

/** What a process holds after two full garbage collections, in KiB. */
export interface Held {
  /** V8's heap, and the buffers outside of it. */
  readonly heap: number;
  readonly resident: number;
}

/** Asks node's inspector, in a session that ends with the answer. */
export async function memoryOf(server: Server): Promise<Held> {
  const url = /Debugger listening on (ws:\S+)/.exec(server.output())?.[1];
  if (!url) throw new Error(`${server.name} was not started with ${INSPECTED}`);
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await once(socket, 'open');
  let id = 0;
  const ask = async (method: string, params = {}) => {
    id += 1;
    socket.send(JSON.stringify({ id, method, params }));
    for (;;) {
      const [data] = await once(socket, 'message');
      const answer = JSON.parse(String(data));
      if (answer.id === id) return answer.result;
    }
  };
  await delay(200);
  await ask('HeapProfiler.collectGarbage');
  await delay(100);
  await ask('HeapProfiler.collectGarbage');
  const { result } = await ask('Runtime.evaluate', { expression: 'JSON.stringify(process.memoryUsage())' });
  socket.close();
  const { heapUsed, external, rss } = JSON.parse(result.value);
  return { heap: (heapUsed + external) / 1024, resident: rss / 1024 };
}
