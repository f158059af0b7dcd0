// Verifies an access token on standard input with jose and prints its claims.
// usage: node verify.mjs ISSUER AUDIENCE [TYP] < token
import { readFileSync } from 'node:fs'
import { createRemoteJWKSet, errors, jwtVerify } from 'jose'

const [issuer, audience, typ = 'at+jwt'] = process.argv.slice(2)

// What this resource server takes. A key is used only for the one of them that the key itself is for.
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA']

// Made once for the life of the process: it keeps the keys for their max-age, and fetches them again, at most every
// half minute, when a token names a key that it does not know.
const keys = createRemoteJWKSet(new URL(`${issuer}/oauth2/jwks`), { cacheMaxAge: 300_000, cooldownDuration: 30_000 })

// Without a kid, jose would take the one key that fits. The issuer names its keys always.
function key(header, jws) {
  if (!header.kid) throw new errors.JWSInvalid('it names no key')
  return keys(header, jws)
}

// The claims of a token that may be relied on; one of jose's errors otherwise.
async function verify(token) {
  const expected = { issuer, audience, typ, algorithms, requiredClaims: ['exp'] }
  const { payload } = await jwtVerify(token, key, expected)
  return payload
}

try {
  console.log(JSON.stringify(await verify(readFileSync(0, 'utf8').trim())))
} catch (error) {
  console.error(`refused: ${error.message}`)
  process.exitCode = 1
}
