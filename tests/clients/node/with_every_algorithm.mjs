// jose verifies tokens of both profiles, signed with every algorithm that it knows.
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { createLocalJWKSet, errors, jwtVerify } from 'jose'

import { ISSUER, application } from './common.mjs'

const API = 'https://api.example.com/orders'
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA']

// fetch() chooses the Host itself, and here it says whose tenant is meant.
function ask(host, path, form) {
  const options = { method: form ? 'POST' : 'GET', headers: { host } }
  if (form) options.headers['content-type'] = 'application/x-www-form-urlencoded'
  return new Promise((resolve, reject) => {
    const sent = request(`${ISSUER}${path}`, options, async (response) => {
      try {
        let text = ''
        for await (const chunk of response) text += chunk
        assert.equal(response.statusCode, 200, text)
        resolve(JSON.parse(text))
      } catch (error) {
        reject(error)
      }
    })
    sent.on('error', reject)
    sent.end(form?.toString())
  })
}

for (const algorithm of ALGORITHMS) {
  const host = `${algorithm.toLowerCase()}.example`
  const keys = createLocalJWKSet(await ask(host, '/oauth2/jwks'))
  const { client_id, client_secret } = application(algorithm.toLowerCase())
  const profiles = [
    { scope: 'read', audience: client_id, typ: 'JWT', granted: ['read'] },
    { scope: 'orders:read', audience: API, typ: 'at+jwt', granted: 'orders:read' },
  ]
  for (const { scope, audience, typ, granted } of profiles) {
    const form = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret, scope })
    const { access_token: token } = await ask(host, '/oauth2/token', form)
    const expected = { issuer: `https://${host}`, audience, typ, algorithms: [algorithm], requiredClaims: ['exp', 'jti'] }
    const { payload, protectedHeader } = await jwtVerify(token, keys, expected)
    assert.equal(protectedHeader.alg, algorithm)
    assert.equal(payload.sub, client_id)
    assert.deepEqual(payload.scope, granted)

    const refused = (change) => jwtVerify(token, keys, { ...expected, ...change })
    await assert.rejects(refused({ typ: typ === 'JWT' ? 'at+jwt' : 'JWT' }), errors.JWTClaimValidationFailed)
    await assert.rejects(refused({ audience: 'somebody else' }), errors.JWTClaimValidationFailed)
    const others = ALGORITHMS.filter((other) => other !== algorithm)
    await assert.rejects(refused({ algorithms: others }), errors.JOSEAlgNotAllowed)
    // A letter in the middle of the signature, so that its length and its padding stay good.
    const [head, body, signature] = token.split('.')
    const letter = signature[40] === 'A' ? 'B' : 'A'
    const tampered = `${head}.${body}.${signature.slice(0, 40)}${letter}${signature.slice(41)}`
    await assert.rejects(jwtVerify(tampered, keys, expected), errors.JWSSignatureVerificationFailed)
  }
}
console.log(`ok jose: both profiles with ${ALGORITHMS.join(', ')}`)
