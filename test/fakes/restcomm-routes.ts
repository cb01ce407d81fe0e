import type { AnswerPlace } from './restcomm-faults.ts';
import {
  digitsOf,
  type FakeAccount,
  type FakeMessage,
  type FakeNumber,
  type FakeRequest,
  type FakeState,
  md5,
  sidOf,
} from './restcomm-state.ts';

export interface RouteAnswer {
  readonly status: number;
  readonly body?: string;
  readonly json?: unknown;
  /** What was taken to be sent. */
  readonly sent?: FakeMessage;
}
export interface Route {
  readonly place: AnswerPlace;
  readonly answer: (state: FakeState, caller: FakeAccount, request: FakeRequest) => RouteAnswer;
}

const refusal = (status: number, body = ''): RouteAnswer => ({ status, body });

/** The routes of the REST API that a gateway needs, after Restcomm-Connect's endpoints. `undefined` for any other. */
export function routeOf(method: string, path: string): Route | undefined {
  return ROUTES.find(([verb, pattern]) => verb === method && pattern.test(path))?.[2];
}

const ROUTES: readonly (readonly [string, RegExp, Route])[] = [
  ['POST', /^\/Accounts\.json$/, { place: 'createAccount', answer: createAccount }],
  ['PUT', /^\/Accounts\/\w+\.json$/, { place: 'updateAccount', answer: updateAccount }],
  ['GET', /^\/Accounts\/\w+\.json$/, { place: 'account', answer: getAccount }],
  ['GET', /^\/Accounts\/\w+\/IncomingPhoneNumbers\.json$/, { place: 'numbers', answer: listNumbers }],
  ['POST', /^\/Accounts\/\w+\/IncomingPhoneNumbers\/\w+\.json$/, { place: 'updateNumber', answer: updateNumber }],
  ['POST', /^\/Accounts\/\w+\/SMS\/Messages\.json$/, { place: 'send', answer: sendMessage }],
  ['GET', /^\/Accounts\/\w+\/SMS\/Messages\/\w+\.json$/, { place: 'message', answer: getMessage }],
  ['GET', /^\/Accounts\/\w+\/SMS\/Messages\.json$/, { place: 'messages', answer: listMessages }],
];

const lastSid = (path: string) => path.slice(path.lastIndexOf('/') + 1, -'.json'.length);

function createAccount({ accounts }: FakeState, caller: FakeAccount, { form }: FakeRequest): RouteAnswer {
  const { EmailAddress = '', Password = '', FriendlyName = EmailAddress } = form;
  const sid = `AC${md5(EmailAddress.toLowerCase())}`;
  if (accounts.has(sid)) return refusal(409, 'The email address used for the new account is already in use.');
  const account: FakeAccount = {
    sid,
    email: EmailAddress.toLowerCase(),
    friendlyName: FriendlyName,
    organizationSid: caller.organizationSid,
    authToken: md5(Password),
    password: Password,
    status: 'active',
  };
  accounts.set(sid, account);
  return { status: 200, json: accountJson(account) };
}

function updateAccount({ accounts }: FakeState, _caller: FakeAccount, { path, form }: FakeRequest): RouteAnswer {
  const account = accounts.get(lastSid(path));
  if (!account) return refusal(404);
  if (account.status === 'closed') return refusal(400);
  if (form.Password !== undefined && form.Password.length < 8) return refusal(400, 'Password too weak');
  if (form.Status) account.status = form.Status as FakeAccount['status'];
  if (form.FriendlyName) account.friendlyName = form.FriendlyName;
  if (form.Password) Object.assign(account, { password: form.Password, authToken: md5(form.Password) });
  return { status: 200, json: accountJson(account) };
}

function getAccount({ accounts }: FakeState, _caller: FakeAccount, { path }: FakeRequest): RouteAnswer {
  const account = accounts.get(lastSid(path));
  return account ? { status: 200, json: accountJson(account) } : refusal(404);
}

function listNumbers({ numbers }: FakeState, _caller: FakeAccount, { query }: FakeRequest): RouteAnswer {
  const found = numbers.filter(({ phoneNumber }) => phoneNumber.includes(query.PhoneNumber ?? ''));
  return page(query, 'incomingPhoneNumbers', found.map(numberJson));
}

function updateNumber({ numbers }: FakeState, _caller: FakeAccount, { path, form }: FakeRequest): RouteAnswer {
  const number = numbers.find(({ sid }) => sid === lastSid(path));
  if (!number) return refusal(404);
  const { SmsUrl, SmsMethod, SmsFallbackUrl, SmsFallbackMethod, SmsApplicationSid } = form;
  if (SmsUrl !== undefined) number.smsUrl = SmsUrl || null;
  if (SmsMethod !== undefined) number.smsMethod = SmsMethod;
  if (SmsFallbackUrl !== undefined) number.smsFallbackUrl = SmsFallbackUrl || null;
  if (SmsFallbackMethod !== undefined) number.smsFallbackMethod = SmsFallbackMethod;
  if (SmsApplicationSid !== undefined) number.smsApplicationSid = SmsApplicationSid || null;
  return { status: 200, json: numberJson(number) };
}

/** What the database holds of a text: `body VARCHAR(999)`. */
const MAX_BODY = 999;

function sendMessage({ messages, cuts }: FakeState, caller: FakeAccount, { form }: FakeRequest): RouteAnswer {
  const { From, To, Body, Encoding, StatusCallback } = form;
  if (From === undefined) return refusal(400, 'From can not be null.');
  if (To === undefined) return refusal(400, 'To can not be null.');
  if (Body === undefined) return refusal(400, 'Body can not be null.');
  const isCut = cuts && Buffer.byteLength(Body) > 160;
  if (isCut && Body.length < 159) return refusal(400, 'String index out of range: 159');
  const body = isCut ? Body.slice(0, 159) : Body;
  if (body.length > MAX_BODY)
    return refusal(500, "### Error updating database. Cause: com.mysql.jdbc.MysqlDataTruncation: Data too long for column 'body' at row 1");
  const sent: FakeMessage = {
    sid: sidOf('SM'),
    from: From,
    to: To,
    body,
    direction: 'outbound-api',
    encoding: Encoding,
    statusCallback: StatusCallback,
    dateCreated: new Date(),
    status: 'sending',
  };
  messages.push(sent);
  return { status: 200, json: messageJson(caller, sent), sent };
}

function getMessage({ messages }: FakeState, caller: FakeAccount, { path }: FakeRequest): RouteAnswer {
  const message = messages.find(({ sid }) => sid === lastSid(path));
  return message ? { status: 200, json: messageJson(caller, message) } : refusal(404);
}

/**
 * The newest first. Numbers match by their endings, StartTime is a day of the platform's. The total does not know of Status
 * (getTotalSmsMessageByUsingFilters in sms-messages.xml).
 */
function listMessages({ messages, sorts }: FakeState, caller: FakeAccount, { query }: FakeRequest): RouteAnswer {
  const { From = '', To = '', StartTime = '0000-00-00', Status, SortBy = 'DateCreated:desc' } = query;
  if (!/^\d{4}-\d\d-\d\d$/.test(StartTime) || SortBy !== 'DateCreated:desc') return refusal(400);
  const counted = messages.filter(
    ({ from, to, dateCreated }) => from.endsWith(From) && to.endsWith(To) && local(dateCreated).toISOString().slice(0, 10) >= StartTime,
  );
  if (!sorts)
    return page(
      query,
      'messages',
      counted.map((message) => messageJson(caller, message)),
    );
  const found = counted.filter(({ status }) => Status === undefined || status === Status);
  const newestFirst = found.toSorted((a, b) => b.dateCreated.getTime() - a.dateCreated.getTime());
  return page(
    query,
    'messages',
    newestFirst.map((message) => messageJson(caller, message)),
    counted.length,
  );
}

/** Pages count from 0 to total / size, rounded down; a page beyond is refused. */
function page(query: FakeRequest['query'], key: string, items: readonly unknown[], total = items.length): RouteAnswer {
  const number = Number(query.Page ?? 0);
  const size = Number(query.PageSize ?? 50);
  const last = Math.floor(total / size);
  if (number > last) return refusal(400);
  const shown = items.slice(number * size, (number + 1) * size);
  return {
    status: 200,
    json: {
      page: number,
      num_pages: last,
      page_size: size,
      total,
      previous_page_uri: 'null',
      next_page_uri: 'null',
      [key]: shown,
    },
  };
}

const ZONE_HOURS = -7;
const local = (date: Date) => new Date(date.getTime() + ZONE_HOURS * 3_600_000);

/** Java's `EEE, d MMM yyyy HH:mm:ss Z`, in a zone behind UTC. */
const dateJson = (date: Date) => local(date).toUTCString().replace('GMT', '-0700').replace(', 0', ', ');

const accountJson = ({ sid, email, friendlyName, organizationSid, status, authToken }: FakeAccount) => ({
  sid,
  organization: organizationSid,
  friendly_name: friendlyName,
  email_address: email,
  type: 'Full',
  status,
  role: 'Developer',
  auth_token: authToken,
});

const numberJson = ({ sid, phoneNumber, smsUrl, smsMethod, smsFallbackUrl, smsFallbackMethod, smsApplicationSid }: FakeNumber) => ({
  sid,
  friendly_name: digitsOf(phoneNumber),
  phone_number: phoneNumber,
  sms_url: smsUrl,
  sms_method: smsMethod,
  sms_fallback_url: smsFallbackUrl,
  sms_fallback_method: smsFallbackMethod,
  sms_application_sid: smsApplicationSid,
});

const messageJson = (caller: FakeAccount, { sid, dateCreated, from, to, body, status, direction, errorCode }: FakeMessage) => ({
  sid,
  date_created: dateJson(dateCreated),
  date_updated: dateJson(dateCreated),
  account_sid: caller.sid,
  from,
  to,
  body,
  status,
  direction,
  ...(errorCode === undefined ? {} : { error_code: errorCode }),
  price: '0',
  price_unit: 'USD',
  api_version: '2012-04-24',
  uri: `/2012-04-24/Accounts/${caller.sid}/SMS/Messages/${sid}.json`,
});
