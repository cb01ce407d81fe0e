import { IncomingMessage } from 'node:http';

/**
 * A request that only `Upgrade: websocket` makes an upgrade; others are served normally (RFC 9110, 7.8). Clients that prefer HTTP/2 send
 * `Upgrade: h2c` with their first request. node emits `upgrade` instead of `request` if the property `upgrade` is true.
 */
export class UpgradeRequest extends IncomingMessage {
  declare upgrade: boolean | null;
  /** Whether it requests any protocol. node discards all data that follows such a request on its connection, so the connection must close. */
  wantsUpgrade?: boolean | null;
}

Object.defineProperty(UpgradeRequest.prototype, 'upgrade', {
  get(this: UpgradeRequest) {
    return this.wantsUpgrade && /^websocket$/i.test(this.headers.upgrade ?? '');
  },
  set(this: UpgradeRequest, value: boolean | null) {
    this.wantsUpgrade = value;
  },
});
