import { createHash } from 'node:crypto';
import { decodeJwt, errors, type JWTPayload, type JWTVerifyResult, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import type { Fetch } from '../request.ts';
import type { BotFramework, Cloud } from './clouds.ts';
import { createSigningKeys, type SigningKey, type SigningKeys } from './signing-keys.ts';

/** The request is not proven to come from the Bot Framework, to a bot of this gateway. `reason` is for the log. */
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

/** The fields of an activity that its token vouches for. */
interface SignedActivity {
  readonly serviceUrl?: unknown;
  readonly channelId?: unknown;
}

export interface BotFrameworkVerifier {
  /**
   * Verifies that the Bot Framework sent an activity.
   * @param authorizationHeader `Bearer <JWT>`
   * @returns the application of the bot that the activity is for, and the clouds that the signature speaks for
   * @throws BotFrameworkRefusal if it did not
   * @throws KeysUnavailableError if its signing keys cannot be fetched
   */
  verify(authorizationHeader: string | null | undefined, activity: SignedActivity): Promise<VerifiedAudience>;
}

/** Whose bot an activity is for. */
export interface VerifiedAudience {
  readonly applicationId: string;
  /** Those that share the Bot Framework that signed it. */
  readonly clouds: readonly Cloud[];
}

export interface BotFrameworkVerifierOptions {
  /** Those whose activities are taken, at least one. */
  readonly frameworks: readonly BotFramework[];
  /** Whether there is a bot with this applicationId in one of these clouds. Called only after the signature has been verified. */
  readonly isKnownAudience: (applicationId: string, clouds: readonly Cloud[]) => Promise<boolean>;
  readonly fetch: Fetch;
  /** The current time, in ms; for tests. */
  readonly now?: () => number;
}

const CLOCK_SKEW_SECONDS = 5 * 60;
/** In characters. Real tokens have about 1,000. */
const MAX_TOKEN_LENGTH = 16_384;
const MAX_VERIFIED = 1000;

/**
 * Creates a verifier of requests from the Bot Framework's connector, by its rules ("Connector to Bot: verify the JWT token"). A key is looked
 * up by id among Microsoft's published keys only; URLs in the token's header (`jku`, `x5u`) are ignored.
 * https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
 */
export function createBotFrameworkVerifier(options: BotFrameworkVerifierOptions): BotFrameworkVerifier {
  const { isKnownAudience, fetch, now = Date.now } = options;
  const signers = options.frameworks.map((framework) => ({
    framework,
    keys: createSigningKeys({ openIdUrl: framework.openIdUrl, signer: 'the Bot Framework', fetch, now }),
  }));

  /** The one that a token says it is from; the first if it says so of none, which then refuses it. */
  function signerOf(token: string): (typeof signers)[number] {
    const issuer = issuerOf(token);
    return (signers.find(({ framework }) => framework.issuer === issuer) ?? signers[0]) as (typeof signers)[number];
  }

  /** By their digests. The connector uses a token for many requests, and checking a signature takes most of a check. */
  const verified = new LRUCache<string, VerifiedToken>({ max: MAX_VERIFIED });

  async function verifySignature(token: string): Promise<VerifiedToken> {
    const digest = createHash('sha256').update(token).digest('base64');
    const known = verified.get(digest);
    if (known && isCurrent(known.payload, now()) && (await known.from.keys.find(known.kid)) === known.signer) return known;
    const from = signerOf(token);
    const { keys } = from;
    let signer: SigningKey | undefined;
    const { payload, protectedHeader } = await jwtVerify(
      token,
      async ({ kid }) => {
        signer = kid === undefined ? undefined : await keys.find(kid);
        if (!signer)
          throw new BotFrameworkRefusal('unknown-key', 'The token is signed with a key that the Bot Framework does not publish.');
        return signer.key;
      },
      {
        ...{ algorithms: ['RS256'], issuer: from.framework.issuer, requiredClaims: ['exp', 'aud'] },
        ...{ clockTolerance: CLOCK_SKEW_SECONDS, currentDate: new Date(now()) },
      },
    ).catch((error): Promise<JWTVerifyResult> => {
      throw refusal(error);
    });
    const found = { payload, kid: protectedHeader.kid ?? '', signer: signer as unknown as SigningKey, from };
    verified.set(digest, found);
    return found;
  }

  return {
    verify: async (authorizationHeader, activity) => {
      const { payload, signer, from } = await verifySignature(bearer(authorizationHeader));
      checkServiceUrl(payload, activity.serviceUrl);
      if (!isEndorsed(signer, from.framework, activity.channelId))
        throw new BotFrameworkRefusal('endorsement', "The token's key is not endorsed for the activity's channel.");
      const { aud } = payload;
      if (typeof aud !== 'string' || aud === '' || aud.includes('\0') || !(await isKnownAudience(aud, from.framework.clouds)))
        throw new BotFrameworkRefusal('audience', 'The token is not for a bot of this gateway.');
      return { applicationId: aud, clouds: from.framework.clouds };
    },
  };
}

/**
 * Whether a key may sign for a channel. Outside the commercial cloud, a key may name no channel. Microsoft's SDK then accepts it for any channel
 * (JwtTokenExtractor, ValidateTokenAsync); the gateway accepts it for Teams only.
 */
function isEndorsed({ endorsements }: SigningKey, { clouds }: BotFramework, channelId: unknown): boolean {
  if (endorsements.length === 0 && !clouds.includes('COMMERCIAL')) return channelId === 'msteams';
  return typeof channelId === 'string' && endorsements.includes(channelId);
}

/** A token whose signature has been verified. It counts as long as the same key is published. */
interface VerifiedToken {
  readonly payload: JWTPayload;
  readonly kid: string;
  readonly signer: SigningKey;
  readonly from: { readonly framework: BotFramework; readonly keys: SigningKeys };
}

/** What a token says of its issuer, which nothing proves yet. */
function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}

/** Whether a token is within its time, as jose decides. */
function isCurrent({ exp = 0, nbf = 0 }: JWTPayload, nowMs: number): boolean {
  const seconds = Math.floor(nowMs / 1000);
  return exp > seconds - CLOCK_SKEW_SECONDS && nbf <= seconds + CLOCK_SKEW_SECONDS;
}

function bearer(header: string | null | undefined): string {
  const token = header?.match(/^Bearer +([\w-]+\.[\w-]+\.[\w-]*)$/i)?.[1];
  if (!token || token.length > MAX_TOKEN_LENGTH) throw new BotFrameworkRefusal('no-token', 'The request has no bearer token.');
  return token;
}

/** The token vouches for the URL that replies are sent to. Both spellings of the claim occur. */
function checkServiceUrl({ serviceurl, serviceUrl }: JWTPayload, expected: unknown): void {
  const claims = [serviceurl, serviceUrl].filter((claim) => claim !== undefined);
  if (typeof expected !== 'string' || claims.length === 0 || claims.some((claim) => claim !== expected))
    throw new BotFrameworkRefusal('service-url', "The token's serviceurl is not the activity's.");
}

/** Converts jose's errors, without keeping them as the cause: they contain the token's claims. Returns other errors unchanged. */
function refusal(error: unknown): unknown {
  if (error instanceof errors.JOSEAlgNotAllowed) return new BotFrameworkRefusal('algorithm', 'The token is not signed with RS256.');
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return new BotFrameworkRefusal('signature', "The token's signature is wrong.");
  if (error instanceof errors.JWTExpired) return new BotFrameworkRefusal('expired', 'The token has expired.');
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'nbf') return new BotFrameworkRefusal('not-yet-valid', 'The token is not yet valid.');
    if (error.claim === 'iss') return new BotFrameworkRefusal('issuer', 'The token is not issued by the Bot Framework.');
    if (error.claim === 'aud') return new BotFrameworkRefusal('audience', 'The token is not for a bot.');
    return new BotFrameworkRefusal('malformed', `The token's ${error.claim} is missing or malformed.`);
  }
  if (error instanceof errors.JOSEError) return new BotFrameworkRefusal('malformed', 'The token is malformed.');
  return error;
}
