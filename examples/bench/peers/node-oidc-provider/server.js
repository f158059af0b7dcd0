// node-oidc-provider as its documentation has it, with one client that gets access tokens in the format of RFC 9068 by the
// client credentials grant. Called with the port, the client's id, its secret and its scope.
import { generateKeyPairSync } from 'node:crypto';
import Provider from 'oidc-provider';

const [port, clientId, clientSecret, scope] = process.argv.slice(2);
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

const provider = new Provider(`http://localhost:${port}`, {
  clients: [{
    client_id: clientId,
    client_secret: clientSecret,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    scope,
    token_endpoint_auth_method: 'client_secret_post',
  }],
  cookies: { keys: ['unused by this grant'] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    // Without a resource there are only opaque tokens.
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (ctx, resource) => ({
        scope,
        audience: resource,
        accessTokenTTL: 300,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'bench' }] },
  scopes: [scope],
  ttl: { ClientCredentials: 300 },
});

provider.listen(Number(port), '127.0.0.1');
