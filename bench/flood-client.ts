import { bytesOf, drive } from './load.ts';

// The flooding tenant's client, a process of its own: `flood-client.ts PORT AUTHORIZATION BODY CONNECTIONS SECONDS`. It prints how many answers it got.

const [port, authorization, body, connections, seconds] = process.argv.slice(2);
const bytes = bytesOf({ method: 'POST', path: '/graphql', authorization, body: JSON.parse(body ?? '{}') });
const answered = await drive({
  ...{ port: Number(port), request: () => bytes, connections: Number(connections), seconds: Number(seconds) },
  mayBeRefused: true,
});
console.log(answered.requests);
