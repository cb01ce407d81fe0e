import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ACCOUNT_SID, AUTH_TOKEN, AUTHORIZATION, GatewayProcess } from '../process/gateway-process.ts';

// biome-ignore lint/suspicious/noExplicitAny: what a test selects is its own to know
type Data = any;

/**
 * The built gateway on a new embedded database, as `npm start` runs it, with one enterprise and its mappings. Each client has a token for it, as a
 * frontend has.
 */
export class ClientsGateway {
  private process: GatewayProcess;
  private readonly dataDir: string;
  private readonly env: Readonly<Record<string, string>>;
  /** Without a path. It stays the same across restarts. */
  url = '';
  /** Of an access token that may read and write. */
  authorization = '';
  enterpriseSid = '';
  /** The sid of the mapping that sends. */
  mappingSid = '';

  private constructor(dataDir: string, env: Readonly<Record<string, string>>) {
    this.dataDir = dataDir;
    this.env = { DATA_DIR: dataDir, BOOTSTRAP_ACCOUNT_SID: ACCOUNT_SID, BOOTSTRAP_AUTH_TOKEN: AUTH_TOKEN, ...env };
    this.process = new GatewayProcess(this.env);
  }

  /** Starts it, with an enterprise that has mappings named A to G, and a delivered message. */
  static async start(env: Readonly<Record<string, string>> = {}): Promise<ClientsGateway> {
    const gateway = new ClientsGateway(await mkdtemp(join(tmpdir(), 'gateway-clients-')), env);
    try {
      await gateway.setUp();
    } catch (error) {
      await gateway.close();
      throw error;
    }
    return gateway;
  }

  private async setUp(): Promise<void> {
    this.url = await this.process.listening();
    const created = await this.post('/msteams/enterprises', {
      name: 'Kohl',
      enterpriseAdmin: { emailId: 'admin@kohl.example', password: 'a-long-password' },
    });
    this.enterpriseSid = created.data.sid;
    const sids: string[] = [];
    for (const name of 'ABCDEFG') sids.push(await this.createMapping(name));
    this.mappingSid = String(sids[0]);
    this.authorization = `Bearer ${await this.createToken('READ, WRITE')}`;
    await this.deliver('first');
  }

  /** Creates an access token with the permissions, which lasts an hour. */
  async createToken(permissions: string): Promise<string> {
    const { createAccessToken } = await this.graph(
      `mutation { createAccessToken(input: { expiresIn: 3600, permissions: [${permissions}] }) { ... on CreateAccessTokenSuccess { token } } }`,
    );
    return createAccessToken.token;
  }

  /** Creates a mapping with a number and a user of its own. @returns its sid */
  async createMapping(name: string): Promise<string> {
    const { data } = await this.post('/msteams/mappings', { enterpriseSid: this.enterpriseSid, name, ...newMapping() });
    return data.sid;
  }

  /** Sends a message, as another client does, and waits until it is delivered. */
  async deliver(body: string): Promise<void> {
    const { sendMessage } = await this.graph(
      'mutation ($input: SendMessageInput!) { sendMessage(input: $input) { ... on SendMessageSuccess { sentMessage { sid } } } }',
      { input: { mappingSid: this.mappingSid, to: '+4915112345671', body } },
    );
    for (let status = ''; status !== 'DELIVERED'; ) {
      const { message } = await this.graph('query ($sid: ID!) { message(sid: $sid) { channelStatus } }', sendMessage.sentMessage);
      status = message.channelStatus;
    }
  }

  /** The events after a cursor, by polling. */
  async eventsAfter(cursor: string | undefined): Promise<Data[]> {
    const { messageEvents } = await this.graph(
      'query ($cursor: String) { messageEvents(first: 100, after: $cursor) { nodes { cursor channelStatus message { body } } } }',
      { cursor },
    );
    return messageEvents.nodes;
  }

  /** Runs an operation with the account's own credentials. @throws Error if it fails */
  async graph(query: string, variables: object = {}): Promise<Data> {
    const { data, errors } = await this.post('/graphql', { query, variables });
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  }

  /** Stops it as an operator does, and starts it again on the same port and database. */
  async restart(): Promise<void> {
    const stopped = await this.process.end('SIGTERM');
    if (stopped.code !== 0) throw new Error(`The gateway ended with ${JSON.stringify(stopped)}:\n${this.process.stderr}`);
    this.process = new GatewayProcess({ ...this.env, PORT: new URL(this.url).port });
    await this.process.listening();
  }

  async close(): Promise<void> {
    await this.process.end('SIGTERM');
    await rm(this.dataDir, { recursive: true, force: true });
  }

  private async post(path: string, body: object): Promise<Data> {
    const headers = { authorization: AUTHORIZATION, 'content-type': 'application/json' };
    const response = await fetch(`${this.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${path}: ${JSON.stringify(answer)}`);
    return answer;
  }
}

let last = 0;

/** A number and a user that no other mapping has. */
export function newMapping(): { externalAddress: string; microsoftAddress: string } {
  last += 1;
  return { externalAddress: `+4930231250${String(last).padStart(2, '0')}`, microsoftAddress: `user-${last}@kohl.example` };
}
