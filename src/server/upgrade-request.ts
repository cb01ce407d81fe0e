import { IncomingMessage } from 'node:http';
import { pathOf } from './request-target.ts';

/**
 * A request that only `Upgrade: websocket` makes an upgrade, where WebSockets are served; others are served normally (RFC 9110, 7.8). Clients that
 * prefer HTTP/2 send `Upgrade: h2c` with their first request. node emits `upgrade` instead of `request` if the property `upgrade` is true.
 */
export class UpgradeRequest extends IncomingMessage {
  declare upgrade: boolean | null;
  /** Whether it requests any protocol. node discards all data that follows such a request on its connection, so the connection must close. */
  wantsUpgrade?: boolean | null;

  /** Whether WebSockets are served at a path. */
  isForSockets(_path: string): boolean {
    return true;
  }
}

Object.defineProperty(UpgradeRequest.prototype, 'upgrade', {
  get(this: UpgradeRequest) {
    return this.wantsUpgrade && /^websocket$/i.test(this.headers.upgrade ?? '') && this.isForSockets(pathOf(this.url ?? ''));
  },
  set(this: UpgradeRequest, value: boolean | null) {
    this.wantsUpgrade = value;
  },
});

/** Returns the class of the requests of a server with WebSockets at one path. */
export const upgradesAt = (socketPath: string): typeof UpgradeRequest =>
  class extends UpgradeRequest {
    override isForSockets(path: string): boolean {
      return path === socketPath;
    }
  };
