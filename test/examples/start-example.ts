import { join } from 'node:path';
import { packageRoot } from '../../src/database/package-root.ts';
import { GatewayProcess } from '../process/gateway-process.ts';
import type { Credentials } from '../support/credentials.ts';

/** An example as a process of its own. */
export class Example extends GatewayProcess {
  /**
   * @param path below examples/
   * @param gatewayUrl its GATEWAY_URL
   * @param args its command-line arguments
   */
  constructor(path: string, gatewayUrl: string, credentials: Credentials, args: readonly string[] = []) {
    const given =
      'token' in credentials ? { ACCESS_TOKEN: credentials.token } : { ACCOUNT_SID: credentials.user, AUTH_TOKEN: credentials.password };
    super({ GATEWAY_URL: gatewayUrl, ...given }, [process.execPath, join(packageRoot(), 'examples', path), ...args]);
  }

  /** Waits until it has printed this. @throws Error with all output if it has not within 40 s */
  override async says(text: string | RegExp): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const never = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`It never printed ${text}:\n${this.stdout}\n${this.stderr}`)), 40_000);
    });
    await Promise.race([super.says(text), never]).finally(() => clearTimeout(timer));
  }

  /** The lines it has printed. */
  get lines(): string[] {
    return this.stdout.trimEnd().split('\n');
  }
}
