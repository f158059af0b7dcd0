// openid-client gets tokens: metadata found both ways, then by each method.
import assert from 'node:assert/strict'
import * as client from 'openid-client'

import { ISSUER, application, check } from './common.mjs'

for (const algorithm of ['oauth2', 'oidc']) {
  for (const name of ['plain', 'awkward']) {
    const { client_id, client_secret } = application(name)
    for (const method of [client.ClientSecretBasic, client.ClientSecretPost]) {
      const discover = (secret) =>
        client.discovery(new URL(ISSUER), client_id, undefined, method(secret), {
          algorithm,
          execute: [client.allowInsecureRequests],
        })
      const configuration = await discover(client_secret)
      const answer = await client.clientCredentialsGrant(configuration, { scope: 'write read' })
      await check(answer, configuration.serverMetadata().jwks_uri, client_id, ['write', 'read'])

      await assert.rejects(client.clientCredentialsGrant(configuration, { scope: 'admin' }), (error) => {
        assert.ok(error instanceof client.ResponseBodyError)
        assert.deepEqual([error.status, error.error], [400, 'invalid_scope'])
        return true
      })
      await assert.rejects(client.clientCredentialsGrant(await discover(`${client_secret}x`)), (error) => {
        assert.ok(error instanceof client.WWWAuthenticateChallengeError)
        assert.deepEqual([error.status, error.cause[0].scheme], [401, 'basic'])
        return true
      })
    }
  }
}
console.log('ok openid-client and jose: discovery, ClientSecretBasic, ClientSecretPost, refusals')
