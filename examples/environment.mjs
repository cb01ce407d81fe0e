// The gateway's address and the credentials, from the environment. All examples that run in Node share this.

const { GATEWAY_URL = 'http://127.0.0.1:4000', ACCOUNT_SID, AUTH_TOKEN, ACCESS_TOKEN } = process.env;

if (!ACCESS_TOKEN && !(ACCOUNT_SID && AUTH_TOKEN)) {
  console.error('Set ACCOUNT_SID and AUTH_TOKEN (printed by the first start of the gateway), or ACCESS_TOKEN.');
  process.exit(2);
}

export const gatewayUrl = GATEWAY_URL.replace(/\/$/, '');

/** The Authorization header: an access token (browsers and apps), or an account's SID and auth token (servers only). */
export const authorization = ACCESS_TOKEN ? `Bearer ${ACCESS_TOKEN}` : `Basic ${btoa(`${ACCOUNT_SID}:${AUTH_TOKEN}`)}`;
