import type { ContractRequest, JsonSchema, Operation } from '../operations/operation.ts';
import type { ContractSettings } from '../operations/settings.ts';

// The examples of the vendor's documentation, completed where they lack what it documents.

/** An operation's example: what is sent, and the graph's result of it, as the operation's document selects it. */
interface Example {
  readonly sid?: string;
  readonly body?: object;
  readonly result: object;
}

const account = { accountSid: 'AC55a9977a50647d2fa38fa1f505206aaf', accountEmail: 'aditya.dixit@telestax.com' };
const dated = (dateCreated: string, dateUpdated = dateCreated) => ({
  dateCreated: `${dateCreated}.000Z`,
  dateUpdated: `${dateUpdated}.000Z`,
});
const pageOf = (...nodes: object[]) => ({ totalCount: nodes.length, nodes });

const enterprise = (sid: string, name: string, status: string, adminSid: string, email: string, times: object) => ({
  ...{ sid, name, status, admin: { sid: adminSid, email } },
  ...times,
  ...account,
});
const test101 = enterprise(
  ...(['EN10d5e4b2008945c49696d2128e7dea9f', 'test 101', 'ACTIVE', 'RCSddc87ac420074e11b55d44b5f4c2cc47', 'Test101@telestax.com'] as const),
  dated('2020-11-05T11:59:34'),
);
const kohl = enterprise(
  ...(['ENe74ac0a9d33f4d9ea8f4e039f7b5af03', 'Kohl', 'ACTIVE', 'RCSf9f08b60c9044cd28ec118ca0387db70', 'Tes@telestax.com'] as const),
  dated('2020-11-05T12:10:33', '2020-11-05T13:48:18'),
);
const closed = enterprise(
  ...(['EN15fc8edcb9784ec18e91e32bfa0fb1e1', 'Test110', 'CLOSED', 'RCSaf32ef5131e741aaae7d35c8318bd5ea', 'Test110@test.com'] as const),
  dated('2020-11-05T16:49:24', '2020-11-06T04:52:10'),
);
const botApp = enterprise(
  ...(['EN8d661fa8ba7d4acd8ff7cf3039ef9552', 'BotApp', 'ACTIVE', 'RCSa1be1c1578bd452587eeb90ef9f740db', 'Bot@bot.com'] as const),
  dated('2020-11-06T16:40:00', '2020-11-06T16:40:03'),
);

const MAC = 'EN7d19fdad67914d91965b231cf706c065';
const SUNNY = 'sunnydodhiya@solutionstelestax.onmicrosoft.com';
const mapping = (sid: string, name: string, microsoftAddress: string, externalAddress: string, times: object) => ({
  ...{ sid, name, microsoftAddress, externalAddress, enterpriseSid: MAC, enterprise: { name: 'mac' } },
  ...times,
  ...account,
});
const sunny = mapping('BEcf981df3576a47afbc927a7230bc9c28', 'sunny', SUNNY, '9090919196768998', dated('2020-11-06T09:44:33'));
const mapping11 = mapping(
  ...(['BEa0e3d44bd03947eaa3fbb783a3bc31dd', 'Mapping 11', SUNNY, '998713777011'] as const),
  dated('2020-11-11T17:28:28'),
);
const map111 = mapping('BEfbacbc4979564f32802cc9f284600b84', 'map111', SUNNY, '9091909192', dated('2020-11-06T12:06:22'));
const map1 = mapping(
  ...(['BE7c6b0bd04a92495096102b326336bb32', 'map1', 'subhahu@solutionstelestax.onmicrosoft.com', '989898909090'] as const),
  dated('2020-11-06T11:27:44'),
);

interface BotDetails {
  readonly applicationId: string;
  readonly tenantId: string;
  readonly clientSecret: string;
  readonly botAppId: string;
}
const bot = (sid: string, enterpriseSid: string, details: BotDetails) => ({
  ...{ sid, enterpriseSid, enterprise: { name: 'mac' }, clientSecretHint: details.clientSecret.slice(-4) },
  ...details,
  ...dated('2020-11-06T10:00:00'),
  ...account,
});
const created: BotDetails = {
  applicationId: 'dc46be1e-fc19-428c-974d-cacc29308ec1',
  tenantId: '7dc79737-6ed7-40b3-98f2-e190c33d9172',
  clientSecret: 'VMwpRjv9983y3-nLISs~...tx7e7kyaX_l',
  botAppId: '7137e37c-2443-46bf-89fc-883b2bb6b9b3',
};
const updated: BotDetails = {
  applicationId: 'db36be1e-fc19-428c-974d-cacc29308ec1',
  tenantId: '7bc78737-6ed7-40b3-98f2-e190c33d9172',
  clientSecret: 'XMwpRjv9983y3-nLISs~...tx7e7kyaX_l',
  botAppId: '7156e37c-2443-46bf-89fc-883b2bb6b9b3',
};
const found: BotDetails = {
  applicationId: '3edc1deb-8070-4506-8d5e-8cb0d40814d6',
  tenantId: '7dc79737-6ed7-40b3-98f2-e190c33d9172',
  clientSecret: '-h476O9J-hlo0X1~I_a7oUY746t_ynhcz4',
  botAppId: '718e2b8b-9fc3-48b3-9ad5-2fd738cc2d9a',
};
const OF_NEW_BOT = 'EN97154a1c491a44f3afe05880bcc1f147';
const newBot = bot('BEf571c41e2b654c77bf6d9fc2de5931e0', OF_NEW_BOT, created);
const updatedBot = bot('BE0aa557177fe64a1ab5fc84e328d6066a', 'EN6a1a3e424623478ab6afb5db1cbd9964', updated);
const foundBot = bot('BE733c4343e45e47a88297e4c5627df506', 'EN9dbb06d89ff24f3eacd7ee0cf141c3e2', found);

const message = {
  ...{ sid: 'MS51c630e28e2744bb83677048e1b1c7ae', enterpriseSid: MAC, accountSid: account.accountSid },
  ...{ from: SUNNY, to: '56566565', direction: 'INBOUND', type: 'SMS', channelStatus: 'DELIVERED' },
  ...dated('2020-11-09T11:48:17'),
};
/** What the search's examples find together: only a message that has failed has an error. */
const undelivered = {
  ...{ ...message, sid: 'MS0b7c5a34e0e44b0f9d3c8a5f61e2d704', channelStatus: 'UNDELIVERED' },
  ...{ channelErrorCode: '30003', channelErrorMessage: 'Unreachable destination handset' },
  ...dated('2020-11-09T11:52:40'),
};

/** By operation. Mutations have their result under its entity's name. */
const examples: Readonly<Record<string, Example>> = {
  createEnterprise: {
    body: { name: 'test 101', enterpriseAdmin: { emailId: 'Test101@telestax.com', password: 'Test@123', name: 'testU101' } },
    result: { enterprise: test101 },
  },
  updateEnterprise: { sid: kohl.sid, body: { name: 'Kohl' }, result: { enterprise: kohl } },
  deleteEnterprise: { sid: closed.sid, result: { enterprise: closed } },
  searchEnterprises: { result: pageOf(test101, kohl) },
  getEnterprise: { sid: botApp.sid, result: botApp },
  createMapping: {
    body: { name: 'sunny', microsoftAddress: SUNNY, externalAddress: '9090919196768998', enterpriseSid: MAC },
    result: { mapping: sunny },
  },
  updateMapping: { sid: mapping11.sid, body: { name: 'Mapping 11' }, result: { mapping: mapping11 } },
  deleteMapping: { sid: map111.sid, result: { mapping: map111 } },
  searchMappings: { result: pageOf(map1, sunny) },
  getMapping: { sid: map1.sid, result: map1 },
  createBot: { body: { enterpriseSid: OF_NEW_BOT, ...created }, result: { bot: newBot } },
  updateBot: { sid: updatedBot.sid, body: updated, result: { bot: updatedBot } },
  deleteBot: { sid: updatedBot.sid, result: { bot: updatedBot } },
  searchBots: { result: pageOf(foundBot) },
  getBot: { sid: foundBot.sid, result: foundBot },
  searchMessages: { result: pageOf(undelivered) },
  getMessage: { sid: message.sid, result: message },
};

/** The examples of an operation, for OpenAPI. */
export function exampleOf(operation: Operation, settings: ContractSettings): { sid?: string; body?: object; answer: JsonSchema } {
  const { sid, body, result } = examples[operation.operation] as Example;
  const request: ContractRequest = {
    ...{ sid: sid ?? '', query: {}, given: [], page: 0, pageSize: 10, body: {}, idempotencyKey: undefined },
    showSecrets: settings.restBotSecrets === 'plain',
  };
  const data = operation.dataOf(settings.restBotSecrets === 'plain' ? result : withoutSecrets(result), request, settings);
  return { sid, body, answer: { data, code: 200, message: 'OK' } };
}

/** The result where the document did not ask for client secrets. */
function withoutSecrets(result: object): object {
  return JSON.parse(JSON.stringify(result, (name, value: unknown) => (name === 'clientSecret' ? undefined : value))) as object;
}
