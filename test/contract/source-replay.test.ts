import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { statusRank } from '../../src/domain/messages/message-status.ts';
import { comparedForm } from '../../src/domain/values/phone-numbers.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import * as recorded from './recorded.ts';

const forms = {
  iso: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000$/,
  sql: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.0$/,
  java: /^(Sun|Mon|Tue|Wed|Thu|Fri|Sat) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d\d \d\d:\d\d:\d\d UTC \d{4}$/,
};

/** A recorded time in UTC. */
function instant(time: string): Date {
  const text = forms.sql.test(time) ? time.replace(' ', 'T').replace('.0', 'Z') : time.replace('+0000', 'Z');
  return new Date(text);
}

describe.each(['iso', 'recorded'] as const)("the source's own examples, replayed in order with %s timestamps,", (restTimestamps) => {
  let gateway: TestGateway;
  let aditya: Provider;
  let bta: Provider;
  let solutions: Provider;
  /** What the recording calls an entity or an account, and what it is here. */
  const actual = new Map<string, string>();

  beforeAll(async () => {
    gateway = await createTestGateway({ restTimestamps });
    [aditya, bta, solutions] = [await gateway.provider(), await gateway.provider(), await gateway.provider()];
    actual.set(recorded.createdEnterprise.accountSid, aditya.accountSid).set(recorded.createdEnterprise.accountEmail, aditya.email);
    actual.set(recorded.createdMapping.accountSid, bta.accountSid).set(recorded.createdMapping.accountEmail, bta.email);
    actual.set(recorded.updatedMapping.accountSid, solutions.accountSid).set(recorded.updatedMapping.accountEmail, solutions.email);
  });
  afterAll(() => gateway?.close());

  /**
   * The recorded answer with the sids and addresses of here, its times in this run's form: the recorded time itself where it
   * was put into the database, else any.
   */
  function here<Recorded>(value: Recorded, times: 'put' | 'new'): Recorded {
    const replace = (key: string, text: string): unknown => {
      if (key === 'dateCreated' || key === 'dateUpdated') {
        const form = restTimestamps === 'recorded' ? Object.values(forms).find((one) => one.test(text)) : forms.iso;
        if (times === 'new') return expect.stringMatching(form ?? /never/);
        return restTimestamps === 'recorded' ? text : instant(text).toISOString().replace('.000Z', '+0000');
      }
      const [, before, sid] = /^(\/.*\/|)((?:EN|BE|MS|AC|RCS)[0-9a-f]{32})$/.exec(text) ?? [];
      if (sid === undefined) return actual.get(text) ?? text;
      const known = actual.get(sid);
      return known ? before + known : expect.stringMatching(new RegExp(`^${before}${sid.replace(/[0-9a-f]{32}$/, '')}[0-9a-f]{32}$`));
    };
    return JSON.parse(JSON.stringify(value), (key, part) => (typeof part === 'string' ? replace(key, part) : part));
  }

  const ok = (data: unknown) => ({ data, code: 200, message: 'OK' });

  interface Entity {
    readonly sid: string;
  }

  /** Puts recorded times into the database, where the list's order comes from. */
  async function date(table: 'enterprise' | 'mapping' | 'bot', sid: string, created: string, updated = created) {
    const change = { where: { sid: actual.get(sid) ?? sid }, data: { dateCreated: instant(created), dateUpdated: instant(updated) } };
    const { prisma } = gateway.database;
    if (table === 'enterprise') await prisma.enterprise.update(change);
    else if (table === 'mapping') await prisma.mapping.update(change);
    else await prisma.bot.update(change);
  }

  async function enterprise(provider: Provider, recordedSid: string, name: string, emailId = `${recordedSid}@telestax.com`) {
    const answer = await provider.rest.post<Entity>('/msteams/enterprise', { name, enterpriseAdmin: { emailId, password: 'Test@123' } });
    expect(answer.status).toBe(201);
    actual.set(recordedSid, answer.body.data?.sid ?? '');
  }

  const unknown = (errorCode: string, message: string, data: string) => ({ status: 409, body: { errorCode, message, data } });

  test('create an enterprise', async () => {
    await enterprise(aditya, 'ENc9e2179a50aa498e98a2386bcf0b1e10', 'ent1', 'ent123@telestax.com');
    const body = { name: 'test 101', enterpriseAdmin: { emailId: 'Test101@telestax.com', password: 'Test@123', name: 'testU101' } };
    const created = await aditya.rest.post<Entity>('/msteams/enterprise', body);
    expect(created.status).toBe(201);
    expect(created.body).toEqual(ok(here(recorded.createdEnterprise, 'new')));
    actual.set(recorded.createdEnterprise.sid, created.body.data?.sid ?? '');

    const again = await aditya.rest.post('/msteams/enterprises', {
      ...body,
      enterpriseAdmin: { ...body.enterpriseAdmin, emailId: 'other@telestax.com' },
    });
    expect(again.status).toBe(409);
    expect(again.body).toEqual({ errorCode: '4050', message: 'Enterprise name not unique', data: { data: 'test 101' } });
  });

  test('update an enterprise', async () => {
    const { sid } = recorded.updatedEnterprise;
    await enterprise(aditya, sid, 'Tes', 'Tes@telestax.com');
    const updated = await aditya.rest.put(`/msteams/enterprises/${actual.get(sid)}`, { name: 'Kohl\r\n  ' });
    expect(updated.status).toBe(200);
    expect(updated.body).toEqual(ok(here(recorded.updatedEnterprise, 'new')));

    const taken = await aditya.rest.put(`/msteams/enterprises/${actual.get(recorded.createdEnterprise.sid)}`, { name: 'kohl' });
    expect(taken.status).toBe(409);
    expect(taken.body).toEqual({ errorCode: '4050', message: 'Enterprise name not unique', data: 'kohl' });
  });

  test('list enterprises', async () => {
    await enterprise(aditya, 'ENfcbda46695394523bc34cd99f6b5ebee', 'test 1001', 'test1001@telestax.com');
    await aditya.rest.put(`/msteams/enterprises/${actual.get(recorded.updatedEnterprise.sid)}`, { status: 'INACTIVE' });
    for (const { sid, dateCreated, dateUpdated } of recorded.listedEnterprises) await date('enterprise', sid, dateCreated, dateUpdated);
    const list = await aditya.rest.get('/msteams/enterprises/search');
    expect(list.status).toBe(200);
    expect(list.body).toEqual(ok(here(recorded.enterprisePage, 'put')));
  });

  test('get an enterprise', async () => {
    const { sid, name, enterpriseAdminEmail, dateCreated, dateUpdated } = recorded.gotEnterprise;
    await enterprise(aditya, sid, name, enterpriseAdminEmail);
    await date('enterprise', sid, dateCreated, dateUpdated);
    const got = await aditya.rest.get(`/msteams/enterprises/search/${actual.get(sid)}`);
    expect(got.status).toBe(200);
    expect(got.body).toEqual(ok(here(recorded.gotEnterprise, 'put')));
    const malformed = 'EN8d661fa8ba7d4acd8ff7cf3039ef95';
    expect(await aditya.rest.get(`/msteams/enterprises/search/${malformed}`)).toMatchObject(
      unknown('4051', 'Enterprise not found', malformed),
    );
  });

  test('create a mapping', async () => {
    await enterprise(bta, recorded.createdMapping.enterpriseSid, 'mac');
    const body = {
      name: 'sunny',
      microsoftAddress: 'sunnydodhiya@solutionstelestax.onmicrosoft.com',
      externalAddress: '9090919196768998',
      enterpriseSid: actual.get(recorded.createdMapping.enterpriseSid),
    };
    const created = await bta.rest.post('/msteams/teams/mappings', body);
    expect(created.status).toBe(200);
    expect(created.body).toEqual(ok(here(recorded.createdMapping, 'new')));
    // The recording has a space before this message: REST.md has none.
    expect(await bta.rest.post('/msteams/teams/mappings', body)).toMatchObject(
      unknown('482', 'externalAddress not unique', '9090919196768998'),
    );
  });

  test('update a mapping', async () => {
    const { microsoftAddress, externalAddress, enterpriseSid, name } = recorded.updatedMapping;
    await enterprise(solutions, enterpriseSid, 'Entfinal');
    const body = { name: 'sunny', microsoftAddress, externalAddress, enterpriseSid: actual.get(enterpriseSid) };
    const created = await solutions.rest.post<Entity>('/msteams/mappings', body);
    const updated = await solutions.rest.put(`/msteams/teams/mappings/${created.body.data?.sid}`, { name });
    expect(updated.status).toBe(200);
    expect(updated.body).toEqual(ok(here(recorded.updatedMapping, 'new')));
  });

  test('delete a mapping', async () => {
    await enterprise(aditya, recorded.deletedMapping.enterpriseSid, 'mac', 'mac@telestax.com');
    const { microsoftAddress, externalAddress, enterpriseSid, name } = recorded.deletedMapping;
    const body = { name, microsoftAddress, externalAddress, enterpriseSid: actual.get(enterpriseSid) };
    const created = await aditya.rest.post<Entity>('/msteams/mappings', body);
    const deleted = await aditya.rest.delete(`/msteams/mappings/${created.body.data?.sid}`);
    expect(deleted.status).toBe(200);
    expect(deleted.body).toEqual(ok(here(recorded.deletedMapping, 'new')));
    const malformed = 'BEfbacc4979564f32802cc9f284600b84';
    expect(await aditya.rest.delete(`/msteams/mappings/${malformed}`)).toMatchObject(unknown('480', 'Mapping Id not found', malformed));
  });

  test('list mappings, and get one', async () => {
    for (const { sid, microsoftAddress, externalAddress, enterpriseSid, name, dateCreated, dateUpdated } of recorded.listedMappings) {
      const body = { name, microsoftAddress, externalAddress, enterpriseSid: actual.get(enterpriseSid) };
      const created = await aditya.rest.post<Entity>('/msteams/mappings', body);
      actual.set(sid, created.body.data?.sid ?? '');
      await date('mapping', sid, dateCreated, dateUpdated);
    }
    const list = await aditya.rest.get('/msteams/teams/mappings/search');
    expect(list.status).toBe(200);
    expect(list.body).toEqual(ok(here(recorded.mappingPage, 'put')));

    const [first] = recorded.listedMappings;
    const got = await aditya.rest.get(`/msteams/mappings/search/${actual.get(first?.sid ?? '')}`);
    expect(got.body).toEqual(ok(here(first, 'put')));
  });

  // The recorded answers of bots lack what the source documents; REST.md answers the whole set.
  test('create, update and delete a bot', async () => {
    const { sid, enterpriseSid, ...details } = recorded.createdBot;
    await enterprise(bta, enterpriseSid, 'bot enterprise');
    const body = { ...details, enterpriseSid: actual.get(enterpriseSid), tenantId: '7dc79737-6ed7-40b3-98f2-e190c33d9172' };
    const created = await bta.rest.post<Entity>('/mxteams/teamsbot/details', body);
    expect(created.status).toBe(200);
    expect(created.body).toMatchObject(ok(here(recorded.createdBot, 'new')));
    actual.set(sid, created.body.data?.sid ?? '').set(recorded.updatedBot.sid, created.body.data?.sid ?? '');

    const nowhere = await bta.rest.post('/msteams/teamsbot', { ...body, enterpriseSid: 'EN97154a1491a44f3afe05880bcc1f147' });
    expect(nowhere).toMatchObject(unknown('4051', 'Enterprise not found', 'EN97154a1491a44f3afe05880bcc1f147'));

    const { sid: updatedSid, ...change } = recorded.updatedBot;
    const update = { ...change, enterpriseSid: actual.get(enterpriseSid), tenantId: '7bc78737-6ed7-40b3-98f2-e190c33d9172' };
    const updated = await bta.rest.post(`/mxteams/teamsbot/details/${actual.get(updatedSid)}`, update);
    expect(updated.status).toBe(200);
    expect(updated.body).toMatchObject(ok(here(recorded.updatedBot, 'new')));
    const noBot = 'There is no Details added for this Bot';
    const unknownBot = 'BE0aa55717fe64a1ab5fc84e328d6066a';
    expect(await bta.rest.put(`/msteams/teamsbot/${unknownBot}`, update)).toMatchObject(unknown('481', noBot, unknownBot));

    const deleted = await bta.rest.delete(`/msteams/teamsbot/details/${actual.get(updatedSid)}`);
    expect(deleted.status).toBe(200);
    expect(deleted.body).toMatchObject(ok(here(recorded.updatedBot, 'new')));
    expect(await bta.rest.delete('/msteams/teamsbot/BE0aa555177fe64a1ab5fc84e328d6066a')).toMatchObject(
      unknown('481', noBot, 'BE0aa555177fe64a1ab5fc84e328d6066a'),
    );
  });

  test('list bots, and get one', async () => {
    // The recording's seven bots belong to several enterprises. Five of them exist here by now, one with another provider.
    await enterprise(aditya, 'EN6a1a3e424623478ab6afb5db1cbd9964', 'sixth');
    await enterprise(aditya, 'EN9dbb06d89ff24f3eacd7ee0cf141c3e2', 'Entfinal', 'Entfinal@telestax.com');
    await enterprise(aditya, 'EN7027a7a0998a4488bf03c4f8951cba3b', 'seventh');
    for (const [index, { sid, enterpriseSid, ...details }] of recorded.listedBots.entries()) {
      const created = await aditya.rest.post<Entity>('/msteams/teamsbot', {
        ...details,
        enterpriseSid: actual.get(enterpriseSid),
        tenantId: 'tenant',
      });
      actual.set(sid, created.body.data?.sid ?? '');
      await date('bot', sid, `2020-11-07T00:00:0${index}+0000`);
    }
    const list = await aditya.rest.get('/msteams/teamsbot/details/search');
    expect(list.status).toBe(200);
    expect(list.body).toMatchObject(ok(here(recorded.botPage, 'put')));
    const got = await aditya.rest.get(`/msteams/teamsbot/search/${actual.get(recorded.gotBot.sid)}`);
    expect(got.body).toMatchObject(ok(here(recorded.gotBot, 'put')));
  });

  // They have the documented `uri` besides what was recorded.
  test('list messages, and get one', async () => {
    await gateway.database.prisma.message.createMany({
      data: [...recorded.listedMessages, ...recorded.unlistedMessages].map((message) => ({
        sid: message.sid,
        direction: message.direction,
        channelStatus: message.channelStatus,
        from: message.from,
        fromFolded: comparedForm(message.from),
        to: message.to,
        toFolded: comparedForm(message.to),
        statusRank: statusRank(message.channelStatus),
        organizationSid: aditya.organizationSid,
        accountSid: aditya.accountSid,
        enterpriseSid: actual.get(message.enterpriseSid) ?? '',
        dateCreated: instant(message.dateCreated),
        dateUpdated: instant(message.dateUpdated),
      })),
    });
    for (const { sid } of recorded.listedMessages) actual.set(sid, sid);
    const list = await aditya.rest.get('/msteams/messages/search');
    expect(list.status).toBe(200);
    expect(list.body).toMatchObject(ok(here(recorded.messagePage, 'put')));
    const got = await aditya.rest.get(`/msteams/messages/search/${recorded.gotMessage.sid}`);
    expect(got.body).toEqual(ok({ ...here(recorded.gotMessage, 'put'), uri: `/msteams/messages/search/${recorded.gotMessage.sid}` }));
    const malformed = 'MS1c630e28e2744bb83677048e1b1c7ae';
    expect(await aditya.rest.get(`/msteams/messages/search/${malformed}`)).toMatchObject(unknown('481', 'Message Id not found', malformed));
  });

  test('delete an enterprise', async () => {
    const { sid, name, enterpriseAdminEmail } = recorded.deletedEnterprise;
    await enterprise(aditya, sid, name, enterpriseAdminEmail);
    const deleted = await aditya.rest.delete(`/msteams/enterprises/${actual.get(sid)}`);
    expect(deleted.status).toBe(200);
    expect(deleted.body).toEqual(ok(here(recorded.deletedEnterprise, 'new')));
    const malformed = 'EN2a9f805831f4a3f935b4a56f296bd9f';
    expect(await aditya.rest.delete(`/msteams/enterprises/${malformed}`)).toMatchObject(unknown('4051', 'Enterprise not found', malformed));

    const mac = await aditya.rest.delete(`/msteams/enterprises/${actual.get(recorded.deletedMapping.enterpriseSid)}`);
    expect(mac).toMatchObject({ status: 409, body: { message: 'Enterprise has Mappings' } });
  });
});
