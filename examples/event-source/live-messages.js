// Live message status with the browser's own EventSource: no library, no build step.

const EVENTS = `subscription ($after: String) {
  messageEvents(after: $after) {
    ... on Bookmark { cursor }
    ... on MessageEvent { cursor channelStatus channelErrorMessage dateCreated message { sid from to body } }
  }
}`;

const NEWEST = `{
  messages(first: 20, orderBy: { field: DATE_CREATED, direction: DESC }) {
    nodes { sid from to body channelStatus channelErrorMessage dateCreated: dateUpdated }
  }
}`;

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
const MOST_ROWS = 100;
/** Something comes at least every 20 s. A stream that is silent for much longer is dead, even if the browser has not noticed. */
const LONGEST_SILENCE_MS = 45_000;

/** The cursor of the last update. A stream from here misses nothing and repeats nothing. */
let cursor;
let pauseMs = FIRST_PAUSE_MS;
let silence;

/** Gets an access token from this page's own server, which alone has the account's credentials. */
async function createSession() {
  const response = await fetch('session', { method: 'POST' });
  if (!response.ok) throw new Error(`Cannot create a session: ${response.status}`);
  return response.json();
}

async function connect() {
  const { gatewayUrl, token } = await createSession();
  const parameters = { query: EVENTS, variables: JSON.stringify({ after: cursor }), access_token: token };
  // EventSource cannot set headers, so the token goes into the address. Everywhere else it goes into Authorization.
  const source = new EventSource(`${gatewayUrl}/graphql?${new URLSearchParams(parameters)}`);

  source.addEventListener('open', () => setConnection('live', 'Live'));
  for (const event of ['open', 'next']) source.addEventListener(event, heard);

  source.addEventListener('next', ({ data }) => {
    const { data: answer, errors } = JSON.parse(data);
    if (errors) return endedBy(errors[0]);
    const update = answer.messageEvents;
    const isFirst = cursor === undefined;
    cursor = update.cursor;
    pauseMs = FIRST_PAUSE_MS;
    if (isFirst) begin();
    if (update.message) show({ ...update, ...update.message }, 'prepend');
  });

  // After a lost connection the browser connects again by itself and continues from the last event. It gives up if the answer
  // is not a stream: 401 when the token has expired, 503 when the gateway cannot answer right now.
  source.addEventListener('error', () => {
    if (source.readyState === EventSource.CLOSED) connectSoon();
    else setConnection('connecting', 'Connecting again…');
  });

  // EventSource treats the end of the stream as a lost connection, so close it.
  source.addEventListener('complete', again);

  function heard() {
    clearTimeout(silence);
    silence = setTimeout(again, LONGEST_SILENCE_MS);
  }

  function again() {
    source.close();
    connectSoon();
  }

  /** Reads the current state when the stream begins, not before, so that nothing is missed. */
  function begin() {
    clear();
    readNewest(gatewayUrl, token).then(
      (messages) => {
        // Rows that events have added in the meantime are newer.
        for (const message of messages) if (!rows.has(message.sid)) show(message, 'append');
        empty.hidden = rows.size > 0;
      },
      (error) => {
        console.error(error);
        cursor = undefined;
        if (source.readyState !== EventSource.CLOSED) again();
      },
    );
  }
}

/**
 * Handles the error that ends a stream; `complete` follows. UNAUTHENTICATED: the token has expired, and the next session has a new
 * one. STREAM_OVERFLOW: events arrived faster than they were read. The cursor stays valid, except for CURSOR_EXPIRED.
 */
function endedBy({ message, extensions }) {
  console.warn(message);
  // The page was disconnected for longer than events are kept: start over.
  if (extensions?.code === 'CURSOR_EXPIRED') cursor = undefined;
}

function connectSoon() {
  clearTimeout(silence);
  setConnection('connecting', 'Connecting again…');
  setTimeout(start, pauseMs * (0.5 + Math.random() / 2));
  pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
}

function start() {
  connect().catch((error) => {
    console.error(error);
    connectSoon();
  });
}

async function readNewest(gatewayUrl, token) {
  const response = await fetch(`${gatewayUrl}/graphql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query: NEWEST }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(errors[0].message);
  return data.messages.nodes;
}

// Rendering.

const connection = document.querySelector('#connection');
const messages = document.querySelector('#messages');
const empty = document.querySelector('#empty');
const template = document.querySelector('#row');
const times = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const dates = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
/** Table rows by message sid. */
const rows = new Map();

function setConnection(state, text) {
  connection.dataset.state = state;
  connection.textContent = text;
}

function clear() {
  rows.clear();
  messages.replaceChildren();
}

/** Shows a message in its row, or in a new row. @param end 'prepend' or 'append' a new row to the table */
function show({ sid, from, to, body, channelStatus, channelErrorMessage, dateCreated }, end) {
  let row = rows.get(sid);
  if (!row) {
    row = template.content.firstElementChild.cloneNode(true);
    row.dataset.sid = sid;
    rows.set(sid, row);
    messages[end](row);
    if (rows.size > MOST_ROWS) remove(messages.lastElementChild);
  }
  const set = (selector, text) => {
    // Never as HTML: anyone can send an SMS.
    row.querySelector(selector).textContent = text;
  };
  set('.from', from);
  set('.to', to);
  set('.body', body);
  set('.status', channelStatus.toLowerCase());
  set('.error', channelErrorMessage ?? '');
  const changed = new Date(dateCreated);
  const isToday = changed.toDateString() === new Date().toDateString();
  set('time', (isToday ? times : dates).format(changed));
  row.querySelector('time').dateTime = dateCreated;
  row.dataset.status = channelStatus;
  empty.hidden = true;
}

function remove(row) {
  rows.delete(row.dataset.sid);
  row.remove();
}

start();
