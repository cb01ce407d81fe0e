import { createConnection, type Socket } from 'node:net';
import type pg from 'pg';

/** What pg knows of a connection, but does not declare. */
interface Backend {
  readonly processID: number | null;
  readonly secretKey: number | null;
  readonly host: string;
  readonly port: number;
  readonly connection: { readonly stream: Socket };
}

/** The code of a CancelRequest, of 16 bytes (https://www.postgresql.org/docs/current/protocol-message-formats.html). */
const CANCEL_REQUEST = 80877102;
/** How long a server may take to accept the request, in ms. */
const PATIENCE_MS = 5000;

/**
 * Asks the server to cancel what a connection runs, by a connection of its own, which needs neither credentials nor one of the server's connections. The
 * server does not say whether it does: the connection's statement fails with 57014, or ends as if nothing had been. The request may also reach a later
 * statement, so the connection must not run one.
 */
export function cancelStatement(client: pg.PoolClient): void {
  const { processID, secretKey, host, port, connection } = client as unknown as Backend;
  if (processID === null || secretKey === null) return;
  const { remoteAddress, remotePort } = connection.stream;
  // The very server, even if its name has come to mean another. A Unix socket has no address.
  const address = remoteAddress && remotePort ? { host: remoteAddress, port: remotePort } : { path: `${host}/.s.PGSQL.${port}` };
  const request = Buffer.alloc(16);
  for (const [index, value] of [16, CANCEL_REQUEST, processID, secretKey].entries()) request.writeInt32BE(value, index * 4);
  const socket = createConnection(address);
  // Where it cannot be asked, the statement's own timeout ends it.
  socket.on('error', () => socket.destroy());
  socket.setTimeout(PATIENCE_MS, () => socket.destroy());
  socket.end(request);
  socket.resume();
}

/**
 * Ends what a connection through a pooler runs, by closing it: PgBouncer then closes the server's connection, whose `client_connection_check_interval` ends
 * the statement. A cancel request can crash PgBouncer 1.18 to 1.20 (https://github.com/pgbouncer/pgbouncer/issues/822).
 */
export function closeConnection(client: pg.PoolClient): void {
  (client as unknown as Backend).connection.stream.destroy();
}
