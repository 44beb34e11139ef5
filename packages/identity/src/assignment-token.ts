/**
 * Assignment tokens: what a worker shows to the server for one attempt of one Job, and for nothing else.
 *
 * A token is a JWT signed with Ed25519: a signature costs a fiftieth of RSA's, and one is made for every attempt. Algorithm,
 * issuer, audience and type are pinned (RFC 8725 §3.1, §3.8, §3.9, §3.11). Tokens stand in no object, log or error.
 */
import { type CryptoKey, createLocalJWKSet, errors, type JWK, type JWTVerifyGetKey, jwtVerify, SignJWT } from 'jose'

const algorithm = 'EdDSA'
const issuer = 'mnemos'
const audience = 'mnemos-assignment'
const tokenType = 'assignment+jwt'
const clockToleranceSeconds = 60

/** A key pair; `kid` is its RFC 7638 thumbprint. */
export interface AssignmentKey {
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly publicJwk: JWK
}

/** What the holder may do. */
export interface Assignment {
  readonly uid: string
  readonly attempt: number
  readonly namespace: string
  readonly job: string
  /** Keys in the artifact store that may be read. */
  readonly reads: readonly string[]
  /** Prefixes of keys that may be written. */
  readonly writes: readonly string[]
}

export interface AssignmentSigner {
  /** @param expiresInSeconds how long the token holds */
  sign(assignment: Assignment, expiresInSeconds: number): Promise<string>
}

export interface AssignmentVerifier {
  /** @throws AssignmentTokenError when the token is not ours, not for this, or not valid any more */
  verify(token: string): Promise<Assignment>
}

/** A token that is not accepted; says why without repeating it. */
export class AssignmentTokenError extends Error {
  override readonly name = 'AssignmentTokenError'
}

/** @param now milliseconds since 1970 */
export function assignmentSigner(key: AssignmentKey, now: () => number = Date.now): AssignmentSigner {
  return {
    sign: ({ uid, attempt, namespace, job, reads, writes }, expiresInSeconds) => {
      const issuedAt = Math.floor(now() / 1000)
      return new SignJWT({ attempt, ns: namespace, job, reads, writes })
        .setProtectedHeader({ alg: algorithm, kid: key.kid, typ: tokenType })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(uid)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + expiresInSeconds)
        .sign(key.privateKey)
    },
  }
}

/**
 * @param loadKeys the public keys that are valid now; asked again when a token names a key that is not known
 * @param now milliseconds since 1970
 */
export function assignmentVerifier(loadKeys: () => Promise<readonly JWK[]>, now: () => number = Date.now): AssignmentVerifier {
  let keys: JWTVerifyGetKey | undefined
  const check = async (token: string): Promise<Assignment> => {
    keys ??= createLocalJWKSet({ keys: [...(await loadKeys())] })
    const { payload } = await jwtVerify(token, keys, {
      algorithms: [algorithm],
      issuer,
      audience,
      typ: tokenType,
      requiredClaims: ['sub', 'exp', 'iat'],
      clockTolerance: clockToleranceSeconds,
      currentDate: new Date(now()),
    })
    return assignmentOf(payload)
  }
  return {
    verify: async (token) => {
      try {
        return await check(token).catch((error: unknown) => {
          if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
          keys = undefined
          return check(token)
        })
      } catch (error) {
        if (error instanceof AssignmentTokenError || !(error instanceof errors.JOSEError)) throw error
        throw new AssignmentTokenError(
          error instanceof errors.JWTExpired ? 'the assignment token has expired' : 'the assignment token is not valid',
          { cause: error },
        )
      }
    },
  }
}

function assignmentOf(claims: Readonly<Record<string, unknown>>): Assignment {
  const { sub, attempt, ns, job, reads, writes } = claims
  if (
    typeof sub !== 'string' ||
    typeof attempt !== 'number' ||
    typeof ns !== 'string' ||
    typeof job !== 'string' ||
    !isTexts(reads) ||
    !isTexts(writes)
  ) {
    throw new AssignmentTokenError('the assignment token lacks a claim')
  }
  return { uid: sub, attempt, namespace: ns, job, reads, writes }
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
