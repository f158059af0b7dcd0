// oauth4webapi gets tokens: metadata by RFC 8414, then by each method, every answer checked by the library.
import assert from 'node:assert/strict'
import * as oauth from 'oauth4webapi'

import { ISSUER, application, check } from './common.mjs'

const insecure = { [oauth.allowInsecureRequests]: true }
const issuer = new URL(ISSUER)
const discovery = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure })
const server = await oauth.processDiscoveryResponse(issuer, discovery)
assert.ok(server.grant_types_supported.includes('client_credentials'))

async function grant(client, authentication, scope) {
  const parameters = new URLSearchParams({ scope })
  const response = await oauth.clientCredentialsGrantRequest(server, client, authentication, parameters, insecure)
  return oauth.processClientCredentialsResponse(server, client, response)
}

for (const name of ['plain', 'awkward']) {
  const { client_id, client_secret } = application(name)
  for (const method of [oauth.ClientSecretBasic, oauth.ClientSecretPost]) {
    const answer = await grant({ client_id }, method(client_secret), 'read')
    await check(answer, server.jwks_uri, client_id, ['read'])

    await assert.rejects(grant({ client_id }, method(client_secret), 'admin'), (error) => {
      assert.ok(error instanceof oauth.ResponseBodyError)
      assert.deepEqual([error.status, error.error], [400, 'invalid_scope'])
      return true
    })
    await assert.rejects(grant({ client_id }, method(`${client_secret}x`), 'read'), (error) => {
      assert.ok(error instanceof oauth.WWWAuthenticateChallengeError)
      assert.deepEqual([error.status, error.cause[0].scheme], [401, 'basic'])
      return true
    })
  }
}
console.log('ok oauth4webapi and jose: RFC 8414 discovery, ClientSecretBasic, ClientSecretPost, refusals')
