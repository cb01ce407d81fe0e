import { once } from 'node:events';
import { connect } from 'node:net';

export type End = 'wait' | 'end' | 'destroy';

/**
 * Sends bytes as they are, and takes all that comes until the connection is closed.
 * @param end whether the client waits for that, closes its own side behind the last byte, or breaks off
 */
export async function sendRaw(port: number, parts: readonly (string | Uint8Array)[], end: End): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
  });
  // The other side may break it off too.
  socket.on('error', () => {});
  let text = '';
  socket.on('data', (data) => {
    text += data.toString('latin1');
    // What is open for good.
    if (/^HTTP\/1.1 101 |^content-type: text\/event-stream/im.test(text)) socket.destroy();
  });
  await Promise.race([once(socket, 'connect'), closed]);
  for (const part of parts) {
    if (socket.destroyed) break;
    await new Promise<void>((resolve) => {
      socket.write(typeof part === 'string' ? Buffer.from(part, 'latin1') : part, () => resolve());
    });
  }
  if (end === 'end') socket.end();
  if (end === 'destroy') socket.destroy();
  await closed;
  return text;
}

/** The statuses of the answers, in order. */
export const statusesIn = (text: string): number[] => [...text.matchAll(/^HTTP\/1\.1 (\d{3}) ?/gm)].map(([, status]) => Number(status));
