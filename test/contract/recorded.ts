/**
 * The answers recorded in the vendor's documentation of "SMS for Microsoft Teams", for source-replay.test.ts. Times, sids and the
 * provider's e-mail addresses are the recording's own.
 */
const aditya = { accountSid: 'AC55a9977a50647d2fa38fa1f505206aaf', accountEmail: 'aditya.dixit@telestax.com' };

function enterprise(sid: string, created: string, updated: string, name: string, status: string, adminSid: string, adminEmail: string) {
  return {
    sid,
    dateUpdated: updated,
    dateCreated: created,
    ...aditya,
    uri: `/msteams/enterprises/search/${sid}`,
    name,
    status,
    enterpriseAdminSid: adminSid,
    enterpriseAdminEmail: adminEmail,
  };
}

const time = (clock: string, day = '2020-11-05') => `${day}T${clock}+0000`;

export const createdEnterprise = enterprise(
  'EN10d5e4b2008945c49696d2128e7dea9f',
  time('11:59:34'),
  time('11:59:34'),
  'test 101',
  'ACTIVE',
  'RCSddc87ac420074e11b55d44b5f4c2cc47',
  'Test101@telestax.com',
);

/** The recording has `Kohl\r\n  ` for its name: REST.md trims. */
export const updatedEnterprise = enterprise(
  'ENe74ac0a9d33f4d9ea8f4e039f7b5af03',
  time('12:10:33'),
  time('13:48:18'),
  'Kohl',
  'ACTIVE',
  'RCSf9f08b60c9044cd28ec118ca0387db70',
  'Tes@telestax.com',
);

export const deletedEnterprise = enterprise(
  'EN15fc8edcb9784ec18e91e32bfa0fb1e1',
  time('16:49:24'),
  time('04:52:10', '2020-11-06'),
  'Test110',
  'CLOSED',
  'RCSaf32ef5131e741aaae7d35c8318bd5ea',
  'Test110@test.com',
);

export const gotEnterprise = enterprise(
  'EN8d661fa8ba7d4acd8ff7cf3039ef9552',
  time('16:40:00', '2020-11-06'),
  time('16:40:03', '2020-11-06'),
  'BotApp',
  'ACTIVE',
  'RCSa1be1c1578bd452587eeb90ef9f740db',
  'Bot@bot.com',
);

/** Each in the state of the recorded list, which is later than that of the answers above. */
export const listedEnterprises = [
  enterprise(
    'ENc9e2179a50aa498e98a2386bcf0b1e10',
    time('11:32:43'),
    time('11:32:44'),
    'ent1',
    'ACTIVE',
    'RCS8c73a988119744879f808741b9dd1977',
    'ent123@telestax.com',
  ),
  { ...createdEnterprise, dateUpdated: time('11:59:35'), dateCreated: time('11:59:35') },
  { ...updatedEnterprise, dateUpdated: time('14:00:54'), status: 'INACTIVE' },
  enterprise(
    'ENfcbda46695394523bc34cd99f6b5ebee',
    time('12:42:31'),
    time('12:42:33'),
    'test 1001',
    'ACTIVE',
    'RCS17d566d923eb4093886068224fb4d4c8',
    'test1001@telestax.com',
  ),
];

export const enterprisePage = {
  result: listedEnterprises,
  pageSize: 10,
  total: 4,
  page: 0,
  numPages: 1,
  start: 0,
  end: 3,
  firstPageUri: '/msteams/enterprises/search/?pageSize=10&page=0',
  uri: '/msteams/enterprises/search/?pageSize=10&page=0',
};

const mac = { enterpriseSid: 'EN7d19fdad67914d91965b231cf706c065', enterpriseName: 'mac' };

export const createdMapping = {
  sid: 'BEcf981df3576a47afbc927a7230bc9c28',
  dateUpdated: 'Fri Nov 06 09:44:33 UTC 2020',
  dateCreated: 'Fri Nov 06 09:44:33 UTC 2020',
  accountSid: 'ACf2e8e8dbf16e2849604e0b8e6ff4c169',
  accountEmail: 'bta@tele.com',
  uri: '/msteams/teams/mappings/search/BEcf981df3576a47afbc927a7230bc9c28',
  microsoftAddress: 'sunnydodhiya@solutionstelestax.onmicrosoft.com',
  externalAddress: '9090919196768998',
  name: 'sunny',
  ...mac,
};

export const updatedMapping = {
  sid: 'BEa0e3d44bd03947eaa3fbb783a3bc31dd',
  dateUpdated: '2020-11-11 17:28:28.0',
  dateCreated: '2020-11-11 17:28:28.0',
  accountSid: 'ACd3041c25343ae31412f7068df12db54f',
  accountEmail: 'solutiondev1@telestax.com',
  uri: '/msteams/teams/mappings/search/BEa0e3d44bd03947eaa3fbb783a3bc31dd',
  microsoftAddress: 'sunnydodhiya@solutionstelestax.onmicrosoft.com',
  externalAddress: '998713777011',
  name: 'sunny11',
  enterpriseSid: 'EN9dbb06d89ff24f3eacd7ee0cf141c3e2',
  enterpriseName: 'Entfinal',
};

function mapping(sid: string, updated: string, created: string, microsoftAddress: string, externalAddress: string, name: string) {
  return {
    sid,
    dateUpdated: updated,
    dateCreated: created,
    ...aditya,
    uri: `/msteams/teams/mappings/search/${sid}`,
    microsoftAddress,
    externalAddress,
    name,
    ...mac,
  };
}

export const deletedMapping = mapping(
  'BEfbacbc4979564f32802cc9f284600b84',
  '2020-11-06 12:06:22.0',
  '2020-11-06 12:06:22.0',
  'sunnydodhiya@solutionstelestax.onmicrosoft.com',
  '9091909192',
  'map111',
);

export const listedMappings = [
  mapping(
    'BE7c6b0bd04a92495096102b326336bb32',
    '2020-11-06 11:27:44.0',
    '2020-11-06 11:27:44.0',
    'subhahu@solutionstelestax.onmicrosoft.com',
    '989898909090',
    'map1',
  ),
  mapping(
    'BE66acb763396d40e3a534a496b2b488c6',
    '2020-11-06 11:29:44.0',
    '2020-11-06 11:29:18.0',
    'subhahu@solutionstelestax.onmicrosoft.com',
    '989898909091',
    'map3',
  ),
];

export const mappingPage = {
  result: listedMappings,
  pageSize: 10,
  total: 2,
  page: 0,
  numPages: 1,
  start: 0,
  end: 1,
  firstPageUri: '/msteams/teams/mappings/search/?pageSize=10&page=0',
  uri: '/msteams/teams/mappings/search/?pageSize=10&page=0',
};

const bot = (sid: string, enterpriseSid: string, applicationId: string, clientsecret: string, botAppId: string) => ({
  sid,
  enterpriseSid,
  applicationId,
  clientsecret,
  botAppId,
});

export const createdBot = bot(
  'BEf571c41e2b654c77bf6d9fc2de5931e0',
  'EN97154a1c491a44f3afe05880bcc1f147',
  'dc46be1e-fc19-428c-974d-cacc29308ec1',
  'VMwpRjv9983y3-nLISs~...tx7e7kyaX_l',
  '7137e37c-2443-46bf-89fc-883b2bb6b9b3',
);

export const updatedBot = bot(
  'BE0aa557177fe64a1ab5fc84e328d6066a',
  'EN97154a1c491a44f3afe05880bcc1f147',
  'db36be1e-fc19-428c-974d-cacc29308ec1',
  'XMwpRjv9983y3-nLISs~...tx7e7kyaX_l',
  '7156e37c-2443-46bf-89fc-883b2bb6b9b3',
);

const [application, secret, appId] = [
  'dc46be1e-fc19-428c-853c-cacc29308ec1',
  'VMwpRjv9983y4-nLISs~...tu7e7kyaX_l',
  '7154e27c-2423-46af-89fc-883b2bb6b9b2',
];
const [otherApplication, otherSecret, otherAppId] = [
  '3edc1deb-8070-4506-8d5e-8cb0d40814d6',
  '-h476O9J-hlo0X1~I_a7oUY746t_ynhcz4',
  '718e2b8b-9fc3-48b3-9ad5-2fd738cc2d9a',
];

export const gotBot = bot(
  'BE733c4343e45e47a88297e4c5627df506',
  'EN9dbb06d89ff24f3eacd7ee0cf141c3e2',
  otherApplication,
  otherSecret,
  otherAppId,
);

export const listedBots = [
  bot('BE183b20b0d27441c7849712b6417de1f2', 'ENfcbda46695394523bc34cd99f6b5ebee', application, secret, appId),
  bot('BE33c9d4b18dd0427ea4f11bb5a4b1ce24', 'ENe74ac0a9d33f4d9ea8f4e039f7b5af03', application, secret, appId),
  bot('BE6cbadd7326f244a49b46097a50e91e3a', 'EN6a1a3e424623478ab6afb5db1cbd9964', otherApplication, otherSecret, otherAppId),
  bot('BE702c3901032649ac9e5d4f56c9b804db', 'ENc9e2179a50aa498e98a2386bcf0b1e10', '12345', '234234', '23423424'),
  gotBot,
  bot(
    'BE9a0b02490b1b4b6eb22790f503cc9358',
    'EN7027a7a0998a4488bf03c4f8951cba3b',
    otherApplication,
    otherSecret,
    'c526826c-e510-49e1-ab76-2095b33464f2',
  ),
  bot('BEa2eb5b3f1d8f4d3c96b48a071f29a31a', mac.enterpriseSid, application, secret, appId),
];

export const botPage = {
  result: listedBots,
  pageSize: 10,
  total: 7,
  page: 0,
  numPages: 1,
  start: 0,
  end: 6,
  firstPageUri: '/msteams/teamsbot/details/search/?pageSize=10&page=0',
  uri: '/msteams/teamsbot/details/search/?pageSize=10&page=0',
};

const sunny = 'sunnydodhiya@solutionstelestax.onmicrosoft.com';

function message(sid: string, clock: string, direction: 'INBOUND' | 'OUTBOUND', number: string) {
  return {
    sid,
    dateUpdated: `2020-11-09 ${clock}.0`,
    dateCreated: `2020-11-09 ${clock}.0`,
    accountSid: aditya.accountSid,
    enterpriseSid: mac.enterpriseSid,
    from: direction === 'INBOUND' ? sunny : number,
    to: direction === 'INBOUND' ? number : sunny,
    direction,
    type: 'SMS',
    channelStatus: direction === 'INBOUND' ? ('DELIVERED' as const) : ('QUEUED' as const),
  };
}

export const gotMessage = message('MS51c630e28e2744bb83677048e1b1c7ae', '11:48:17', 'INBOUND', '56566565');

export const listedMessages = [
  message('MS1089b2c7692d4fc1babf452ad9eb008a', '08:06:00', 'INBOUND', '887789876765'),
  message('MSc4d2b1b5102e4e6990e6167039aa5c55', '08:06:28', 'OUTBOUND', '887789876765'),
  message('MS2dbd567530844457a477c43991cd01df', '11:10:42', 'INBOUND', '12345432134'),
  message('MS68cbc2c59add480289660f34cb44d4e5', '11:11:21', 'INBOUND', '12345432134'),
  message('MSbd3c221be9df4f16b40763d6988b6574', '11:12:24', 'INBOUND', '56566565'),
  message('MS4084365be46246d9b8a151361471a5a5', '11:13:25', 'OUTBOUND', '56566565'),
  message('MSe4f1823cd87d41fcaf9e215e670d663b', '11:18:00', 'INBOUND', '56566565'),
  message('MS09ca14265e424875850371b441f767db', '11:19:05', 'OUTBOUND', '56566565'),
  message('MS7532b424c0554bc1963ac24b3549d3e7', '11:20:02', 'OUTBOUND', '56566565'),
  gotMessage,
];

/** The recorded page is the first of 14 messages; the other four were not recorded. */
export const unlistedMessages = ['1', '2', '3', '4'].map((digit) =>
  message(`MS${digit.repeat(32)}`, `12:00:0${digit}`, 'INBOUND', '56566565'),
);

export const messagePage = {
  result: listedMessages,
  pageSize: 10,
  total: 14,
  page: 0,
  numPages: 2,
  start: 0,
  end: 10,
  firstPageUri: '/msteams/messages/search/?pageSize=10&page=0',
  nextPageUri: '/msteams/messages/search/?pageSize=10&page=1',
  uri: '/msteams/messages/search/?pageSize=10&page=0',
};
