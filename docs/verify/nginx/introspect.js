// Turns the answer to a token's introspection (RFC 7662) into a status that nginx's auth_request understands.

function challenge(request, status, more) {
  request.headersOut['X-Challenge'] = `Bearer realm="orders"${more}`
  request.return(status)
}

// 204 lets the request pass, 401 and 403 refuse it (RFC 6750 §3), everything else is our trouble and refuses it too.
async function authorize(request) {
  const field = request.headersIn.Authorization
  // Without a token of this kind the answer names no error.
  if (!/^bearer( |$)/i.test(field || '')) return challenge(request, 401, '')
  const match = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(field)
  if (!match) return challenge(request, 401, ', error="invalid_token"')

  const form = { method: 'POST', body: `token=${encodeURIComponent(match[1])}` }
  const answer = await request.subrequest('/introspect', form)
  if (answer.status !== 200) {
    request.error(`introspection answered ${answer.status}`)
    return request.return(500)
  }
  const token = JSON.parse(answer.responseText)
  const audiences = [].concat(token.aud)
  if (token.active !== true || !audiences.includes(request.variables.audience)) {
    return challenge(request, 401, ', error="invalid_token"')
  }
  const scope = request.variables.scope
  if (!(token.scope || '').split(' ').includes(scope)) {
    return challenge(request, 403, `, error="insufficient_scope", scope="${scope}"`)
  }
  request.headersOut['X-Caller'] = token.client_id
  request.return(204)
}

export default { authorize }
