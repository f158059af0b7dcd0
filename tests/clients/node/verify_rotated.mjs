// jose verifies what python/with_rotation.py found: tokens from before and after a rotation, each with the JWKS from before
// and after the change. It has no other keys and asks for none.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createLocalJWKSet, jwtVerify } from 'jose'

for (const { algorithm, issuer, documents, tokens } of JSON.parse(readFileSync(0, 'utf8'))) {
  for (const document of documents) {
    const used = new Set()
    for (const { token, audience } of tokens) {
      const expected = { issuer, audience, algorithms: [algorithm], requiredClaims: ['exp'] }
      const { protectedHeader } = await jwtVerify(token, createLocalJWKSet(document), expected)
      used.add(protectedHeader.kid)
    }
    assert.equal(used.size, 2)
  }
}
console.log('ok jose: tokens across a rotation, with the keys from before and after the change')
