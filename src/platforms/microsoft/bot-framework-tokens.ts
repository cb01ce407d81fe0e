import { errors, type JWTPayload, type JWTVerifyResult, jwtVerify } from 'jose';
import type { Fetch } from '../request.ts';
import { type BotFrameworkKey, createBotFrameworkKeys } from './bot-framework-keys.ts';

/** The request does not come from the Bot Framework, or not to a bot of ours: 403. `reason` is for the log. */
export class BotFrameworkRefusal extends Error {
  override readonly name = 'BotFrameworkRefusal';

  constructor(
    readonly reason:
      | 'no-token'
      | 'malformed'
      | 'algorithm'
      | 'unknown-key'
      | 'signature'
      | 'issuer'
      | 'audience'
      | 'expired'
      | 'not-yet-valid'
      | 'service-url'
      | 'endorsement',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The fields of an activity, as parsed from the body, that its token answers for. */
export interface SignedActivity {
  readonly serviceUrl?: unknown;
  readonly channelId?: unknown;
}

export interface BotFrameworkVerifier {
  /**
   * @returns the bot that the activity is for
   * @throws BotFrameworkRefusal; KeysUnavailableError where the keys can not be had (503: the Bot Framework may try again)
   */
  verify(authorizationHeader: string | null | undefined, activity: SignedActivity): Promise<{ applicationId: string }>;
}

export interface BotFrameworkVerifierOptions {
  /** `https://login.botframework.com/v1/.well-known/openidconfiguration` */
  readonly openIdUrl: string;
  /** `https://api.botframework.com` */
  readonly issuer: string;
  /** Is there a bot with this applicationId? Asked for signed tokens alone. */
  readonly isKnownAudience: (applicationId: string) => Promise<boolean>;
  readonly fetch: Fetch;
  /** For tests, in ms. */
  readonly now?: () => number;
}

/** In seconds. */
const CLOCK_SKEW = 5 * 60;
/** Real ones have about 1,000 characters. */
const LONGEST_TOKEN = 16_384;

/**
 * The Bot Framework's rules for requests from the connector ("Authentication with the Bot Connector API", step 4). The key is
 * looked for by its id in Microsoft's own set and nowhere else: whatever the token's header says of other places is not followed.
 */
export function createBotFrameworkVerifier(options: BotFrameworkVerifierOptions): BotFrameworkVerifier {
  const { issuer, isKnownAudience, now = Date.now } = options;
  const keys = createBotFrameworkKeys(options);

  return {
    verify: async (authorizationHeader, activity) => {
      const token = bearer(authorizationHeader);
      let signer: BotFrameworkKey | undefined;
      const { payload } = await jwtVerify(
        token,
        async ({ kid }) => {
          signer = kid === undefined ? undefined : await keys.find(kid);
          if (!signer) throw new BotFrameworkRefusal('unknown-key', 'The token is signed with a key that the Bot Framework does not have.');
          return signer.key;
        },
        { algorithms: ['RS256'], issuer, requiredClaims: ['exp', 'aud'], clockTolerance: CLOCK_SKEW, currentDate: new Date(now()) },
      ).catch((error): Promise<JWTVerifyResult> => {
        throw refusal(error);
      });
      checkServiceUrl(payload, activity.serviceUrl);
      if (typeof activity.channelId !== 'string' || !signer?.endorsements.includes(activity.channelId))
        throw new BotFrameworkRefusal('endorsement', "The token's key is not endorsed for the activity's channel.");
      const { aud } = payload;
      if (typeof aud !== 'string' || aud === '' || aud.includes('\0') || !(await isKnownAudience(aud)))
        throw new BotFrameworkRefusal('audience', 'The token is for no bot of this gateway.');
      return { applicationId: aud };
    },
  };
}

function bearer(header: string | null | undefined): string {
  const token = header?.match(/^Bearer +([\w-]+\.[\w-]+\.[\w-]*)$/i)?.[1];
  if (!token || token.length > LONGEST_TOKEN) throw new BotFrameworkRefusal('no-token', 'The request has no bearer token.');
  return token;
}

/** The claim is spelled in either way, and names where answers may be sent. */
function checkServiceUrl({ serviceurl, serviceUrl }: JWTPayload, expected: unknown): void {
  const claims = [serviceurl, serviceUrl].filter((claim) => claim !== undefined);
  if (typeof expected !== 'string' || claims.length === 0 || claims.some((claim) => claim !== expected))
    throw new BotFrameworkRefusal('service-url', "The token's serviceurl is not the activity's.");
}

/** jose's errors as ours; faults and KeysUnavailableError as they are. Its errors hold the claims, and are not for the log. */
function refusal(error: unknown): unknown {
  if (error instanceof errors.JOSEAlgNotAllowed) return new BotFrameworkRefusal('algorithm', 'The token is not signed with RS256.');
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return new BotFrameworkRefusal('signature', "The token's signature is wrong.");
  if (error instanceof errors.JWTExpired) return new BotFrameworkRefusal('expired', 'The token has expired.');
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'nbf') return new BotFrameworkRefusal('not-yet-valid', 'The token is not yet valid.');
    if (error.claim === 'iss') return new BotFrameworkRefusal('issuer', 'The token is not issued by the Bot Framework.');
    if (error.claim === 'aud') return new BotFrameworkRefusal('audience', 'The token is for no bot.');
    return new BotFrameworkRefusal('malformed', `The token's ${error.claim} is missing or malformed.`);
  }
  if (error instanceof errors.JOSEError) return new BotFrameworkRefusal('malformed', 'The token is malformed.');
  return error;
}
