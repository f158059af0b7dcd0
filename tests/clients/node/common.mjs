// What every client here is told, and how every token is verified: jose, with the keys the issuer publishes.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRemoteJWKSet, errors, jwtVerify } from 'jose'

export const ISSUER = process.env.ISSUER

// The id and the secret of an application, as `chancery app add` printed them.
export function application(name) {
  return JSON.parse(readFileSync(`${process.env.FOLDER}/${name}.json`, 'utf8'))
}

// Verifies an answer and its token, and sees jose refuse what is not so.
export async function check(answer, jwksUri, clientId, scopes) {
  assert.equal(answer.token_type.toLowerCase(), 'bearer')
  assert.equal(answer.scope, scopes.join(' '))
  assert.ok(answer.expires_in > 0 && answer.expires_in < 300)

  const keys = createRemoteJWKSet(new URL(jwksUri))
  const expected = { issuer: ISSUER, audience: clientId, typ: 'JWT', algorithms: ['RS256'], requiredClaims: ['exp', 'jti'] }
  const { payload, protectedHeader } = await jwtVerify(answer.access_token, keys, expected)
  assert.deepEqual(Object.keys(protectedHeader), ['kid', 'typ', 'alg'])
  assert.equal(payload.sub, clientId)
  assert.deepEqual(payload.scope, scopes)

  const refused = (change) => jwtVerify(answer.access_token, keys, { ...expected, ...change })
  await assert.rejects(refused({ audience: 'somebody else' }), errors.JWTClaimValidationFailed)
  await assert.rejects(refused({ issuer: `${ISSUER}/` }), errors.JWTClaimValidationFailed)
  await assert.rejects(refused({ currentDate: new Date((payload.exp + 1) * 1000) }), errors.JWTExpired)
  const tampered = `${answer.access_token.slice(0, -8)}AAAAAAAA`
  await assert.rejects(jwtVerify(tampered, keys, expected), errors.JWSSignatureVerificationFailed)
}
