#!/usr/bin/env bash
# Verifies an RS256 token on standard input with curl, openssl and jq alone and prints its claims.
# usage: verify.sh ISSUER AUDIENCE [TYP] < token
set -euo pipefail

issuer=$1 audience=$2 type=${3:-at+jwt}
token=$(tr -d '\n')
IFS=. read -r header payload signature rest <<<"$token"
[ -z "$rest" ] && [ -n "$signature" ] || { echo "refused: not three parts" >&2; exit 1; }

decode() { # base64url without padding
    local text=${1//-/+}
    text=${text//_//}
    while [ $((${#text} % 4)) -ne 0 ]; do text+='='; done
    base64 -d <<<"$text"
}
hex() { decode "$1" | od -An -v -tx1 | tr -d ' \n'; }

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# The key is chosen by kid among those of the issuer, and must be for the one algorithm we accept.
# RFC 9068 §4: an ID token or a logout token of the same issuer is no access token.
kid=$(decode "$header" | jq -er --arg type "$type" 'select(.alg == "RS256" and (has("crit") | not)) |
    select((.typ // "" | ascii_downcase | ltrimstr("application/")) == ($type | ascii_downcase)) | .kid') ||
    { echo "refused: not RS256, or another type of token" >&2; exit 1; }
key=$(curl -sf "$issuer/oauth2/jwks" | jq -e --arg kid "$kid" '.keys[] | select(.kid == $kid and .alg == "RS256")') ||
    { echo "refused: no key of the issuer has this kid" >&2; exit 1; }

# The numbers of the JWK as the DER of an RSA public key (RFC 8017 App. A.1.1).
cat >"$folder/key.cnf" <<EOF
asn1=SEQUENCE:key
[key]
n=INTEGER:0x$(hex "$(jq -r .n <<<"$key")")
e=INTEGER:0x$(hex "$(jq -r .e <<<"$key")")
EOF
openssl asn1parse -genconf "$folder/key.cnf" -noout -out "$folder/key.der"
openssl rsa -RSAPublicKey_in -inform DER -in "$folder/key.der" -pubout -out "$folder/key.pem" 2>/dev/null

decode "$signature" >"$folder/signature"
printf '%s.%s' "$header" "$payload" |
    openssl dgst -sha256 -verify "$folder/key.pem" -signature "$folder/signature" >/dev/null 2>&1 ||
    { echo "refused: the signature does not verify" >&2; exit 1; }
decode "$payload" | jq -e --arg issuer "$issuer" --arg audience "$audience" 'select(.iss == $issuer) |
    select(.aud | if type == "array" then . else [.] end | any(. == $audience)) |
    select((.exp | type == "number" and . > now) and ((has("nbf") | not) or (.nbf | type == "number" and . <= now)))' ||
    { echo "refused: another issuer or audience, or not valid now" >&2; exit 1; }
