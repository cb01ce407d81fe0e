import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

// Both platforms, as light as can be: they answer, count, and report. The load's process has them, on the load's core.

const KEY_ID = 'bench';
const ISSUER = 'https://api.botframework.com';

export interface Platforms {
  readonly url: string;
  /** When each text arrived at Teams or the carrier, by the number that it ends with, in ms. */
  readonly arrivals: Map<number, number>;
  /** How many status reports the gateway has answered. */
  readonly reported: () => number;
  /** Of reports. */
  readonly failures: readonly Error[];
  /** How long they take to answer, in ms. */
  delayMs: number;
  /** An Authorization header for activities to a bot. */
  sign(applicationId: string): Promise<string>;
  close(): void;
}

/** Starts login, the Bot Framework and Restcomm on one port. */
export async function startPlatforms(): Promise<Platforms> {
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  const key = { ...(await exportJWK(publicKey)), use: 'sig', kid: KEY_ID, x5t: KEY_ID, endorsements: ['msteams'] };
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  let reported = 0;
  let sent = 0;
  const failures: Error[] = [];
  const failed = (error: Error) => void failures.push(error);

  /** Reports as Restcomm does (SmsStatusNotifier). */
  function report(callback: string, messageSid: string, statuses: readonly string[]): void {
    const [status, ...further] = statuses;
    if (!status) return;
    const body = `MessageSid=${messageSid}&MessageStatus=${status}`;
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': body.length };
    const posted = request(callback, { method: 'POST', agent, headers }, (response) => {
      response.resume().on('end', () => {
        if (response.statusCode !== 200) return failed(new Error(`A report was answered with ${response.statusCode}`));
        reported += 1;
        report(callback, messageSid, further);
      });
    });
    posted.on('error', failed);
    posted.end(body);
  }

  /** What login says. */
  function ownAnswer(path: string): object | undefined {
    if (path.endsWith('/oauth2/v2.0/token')) return { access_token: 'token', expires_in: 3600, token_type: 'Bearer' };
    if (path === '/openid') return { jwks_uri: `${url}/keys` };
    if (path === '/keys') return { keys: [key] };
    // The gateway looks for missed texts.
    return path.includes('StartTime=') ? { messages: [] } : undefined;
  }

  function answer(path: string, body: string, response: ServerResponse): void {
    const own = ownAnswer(path);
    if (own) {
      json(response, own);
      return;
    }
    platforms.arrivals.set(Number(/#(\d+)/.exec(path.includes('/SMS/') ? decodeURIComponent(body) : body)?.[1]), performance.now());
    sent += 1;
    const id = `${sent}`.padStart(32, '0');
    const callback = new URLSearchParams(body).get('StatusCallback');
    const respond = () => {
      if (!path.includes('/SMS/')) {
        json(response, { id });
        return;
      }
      json(response, { sid: `SM${id}`, status: 'sending', date_created: new Date().toUTCString() });
      if (callback) report(callback, `SM${id}`, ['sent', 'delivered']);
    };
    if (platforms.delayMs > 0) setTimeout(respond, platforms.delayMs);
    else respond();
  }

  const server = createServer((incoming: IncomingMessage, response) => {
    let body = '';
    incoming.setEncoding('latin1');
    incoming.on('data', (chunk) => {
      body += chunk;
    });
    incoming.on('end', () => answer(incoming.url ?? '', body, response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const platforms: Platforms = {
    url,
    arrivals: new Map(),
    reported: () => reported,
    failures,
    delayMs: 0,
    sign: async (applicationId) => {
      const token = new SignJWT({ serviceurl: `${url}/teams/` }).setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: KEY_ID });
      return `Bearer ${await token.setIssuer(ISSUER).setAudience(applicationId).setIssuedAt().setExpirationTime('2 h').sign(privateKey)}`;
    },
    close: () => {
      agent.destroy();
      server.closeAllConnections();
      server.close();
    },
  };
  return platforms;
}

function json(response: ServerResponse, value: unknown): void {
  const body = JSON.stringify(value);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/** The settings of a gateway that has these platforms. */
export const platformSettings = ({ url }: Platforms) => ({
  TEAMS_PLATFORM: 'microsoft',
  MICROSOFT_LOGIN_URL: url,
  MICROSOFT_GRAPH_URL: url,
  BOT_SERVICE_URL: `${url}/teams/`,
  BOT_SERVICE_HOSTS: url,
  BOT_FRAMEWORK_ISSUER: ISSUER,
  BOT_FRAMEWORK_OPENID_URL: `${url}/openid`,
  RESTCOMM_URL: url,
  RESTCOMM_ACCOUNT_SID: `AC${'9'.repeat(32)}`,
  RESTCOMM_AUTH_TOKEN: 'carrier',
});
