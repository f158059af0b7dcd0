// Verifies an access token on standard input with the classes of JDK 17 alone and prints its claims.
// usage: java Verify.java ISSUER AUDIENCE [TYP] < token

import java.math.BigInteger;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.ECPoint;
import java.security.spec.ECPublicKeySpec;
import java.security.spec.EdECPoint;
import java.security.spec.EdECPublicKeySpec;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.NamedParameterSpec;
import java.security.spec.PSSParameterSpec;
import java.security.spec.RSAPublicKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

public final class Verify {
    static final class Refused extends Exception {
        Refused(String why) { super(why); }
    }

    public static void main(String[] arguments) throws Exception {
        String type = arguments.length > 2 ? arguments[2] : "at+jwt";
        String token = new String(System.in.readAllBytes(), StandardCharsets.UTF_8).strip();
        try {
            System.out.println(verify(token, arguments[0], arguments[1], type));
        } catch (Refused | IllegalArgumentException | ClassCastException | GeneralSecurityException refused) {
            System.err.println("refused: " + refused.getMessage());
            System.exit(1);
        }
    }

    /** The claims of a token that may be relied on, as they came. */
    static String verify(String token, String issuer, String audience, String type) throws Exception {
        String[] parts = token.split("\\.", -1);
        if (parts.length != 3) throw new Refused("not three parts");
        Map<?, ?> header = object(parts[0]);
        if (header.containsKey("crit")) throw new Refused("an extension that is not known");
        // RFC 9068, section 4: an ID token or a logout token of the same issuer is no access token.
        String kind = String.valueOf(header.get("typ")).toLowerCase().replaceFirst("^application/", "");
        if (!kind.equals(type.toLowerCase())) throw new Refused("another type of token");

        Map<?, ?> key = key(issuer, header.get("kid"));
        // The algorithm is the key's. The header may only agree.
        if (!String.valueOf(key.get("alg")).equals(header.get("alg"))) throw new Refused("not the key's algorithm");
        Signature signature = verifier(key);
        signature.update((parts[0] + "." + parts[1]).getBytes(StandardCharsets.US_ASCII));
        if (!signature.verify(decode(parts[2]))) throw new Refused("the signature does not verify");

        Map<?, ?> claims = object(parts[1]);
        long now = Instant.now().getEpochSecond();
        if (!issuer.equals(claims.get("iss"))) throw new Refused("another issuer");
        Object audiences = claims.get("aud");
        if (!(audiences instanceof List<?> list ? list.contains(audience) : audience.equals(audiences)))
            throw new Refused("another audience");
        if (!(claims.get("exp") instanceof Number end) || end.doubleValue() <= now) throw new Refused("expired");
        if (claims.containsKey("nbf") && (!(claims.get("nbf") instanceof Number start) || start.doubleValue() > now))
            throw new Refused("not valid yet");
        return new String(decode(parts[1]), StandardCharsets.UTF_8);
    }

    /** The key of the issuer with this kid. A server keeps the JWKS for its max-age and asks again, seldom, for others. */
    static Map<?, ?> key(String issuer, Object id) throws Exception {
        HttpClient client = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();
        HttpRequest request = HttpRequest.newBuilder(URI.create(issuer + "/oauth2/jwks"))
            .timeout(Duration.ofSeconds(10)).build();
        HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != 200) throw new Refused("the issuer answered " + response.statusCode());
        Map<?, ?> document = (Map<?, ?>) new Json(response.body()).document();
        for (Object each : (List<?>) document.get("keys")) {
            Map<?, ?> key = (Map<?, ?>) each;
            if (id instanceof String && id.equals(key.get("kid")) && !"enc".equals(key.get("use"))) return key;
        }
        throw new Refused("no key of the issuer has this kid");
    }

    /** What verifies signatures of a JWK's one algorithm (RFC 7518 and 8037, section 3.1). */
    static Signature verifier(Map<?, ?> key) throws Exception {
        String algorithm = String.valueOf(key.get("alg"));
        String bits = algorithm.replaceAll("\\D", "");
        Signature signature = switch (algorithm) {
            case "RS256", "RS384", "RS512" -> Signature.getInstance("SHA" + bits + "withRSA");
            case "PS256", "PS384", "PS512" -> Signature.getInstance("RSASSA-PSS");
            // JWS has the two numbers side by side, not in DER.
            case "ES256", "ES384" -> Signature.getInstance("SHA" + bits + "withECDSAinP1363Format");
            case "EdDSA", "Ed25519" -> Signature.getInstance("Ed25519");
            default -> throw new Refused("an algorithm that is not taken here");
        };
        if (algorithm.startsWith("PS")) {
            MGF1ParameterSpec mask = new MGF1ParameterSpec("SHA-" + bits);
            int salt = Integer.parseInt(bits) / 8;
            signature.setParameter(new PSSParameterSpec("SHA-" + bits, "MGF1", mask, salt, 1));
        }
        signature.initVerify(switch (algorithm.substring(0, 2)) {
            case "RS", "PS" -> rsa(number(key, "n"), number(key, "e"));
            case "ES" -> ec(algorithm.equals("ES256") ? "secp256r1" : "secp384r1", number(key, "x"), number(key, "y"));
            default -> ed25519(decode((String) key.get("x")));
        });
        return signature;
    }

    static PublicKey rsa(BigInteger modulus, BigInteger exponent) throws GeneralSecurityException {
        return KeyFactory.getInstance("RSA").generatePublic(new RSAPublicKeySpec(modulus, exponent));
    }

    static PublicKey ec(String curve, BigInteger x, BigInteger y) throws GeneralSecurityException {
        AlgorithmParameters parameters = AlgorithmParameters.getInstance("EC");
        parameters.init(new ECGenParameterSpec(curve));
        ECParameterSpec specification = parameters.getParameterSpec(ECParameterSpec.class);
        return KeyFactory.getInstance("EC").generatePublic(new ECPublicKeySpec(new ECPoint(x, y), specification));
    }

    /** RFC 8032, section 5.1.2: y with its least byte first; the topmost bit says whether x is odd. */
    static PublicKey ed25519(byte[] point) throws GeneralSecurityException {
        byte[] turned = new byte[point.length];
        for (int at = 0; at < point.length; at++) turned[at] = point[point.length - 1 - at];
        boolean isOdd = (turned[0] & 0x80) != 0;
        turned[0] &= 0x7f;
        EdECPoint y = new EdECPoint(isOdd, new BigInteger(1, turned));
        return KeyFactory.getInstance("Ed25519").generatePublic(new EdECPublicKeySpec(NamedParameterSpec.ED25519, y));
    }

    static BigInteger number(Map<?, ?> key, String name) {
        return new BigInteger(1, decode((String) key.get(name)));
    }

    static byte[] decode(String part) {
        return Base64.getUrlDecoder().decode(part);
    }

    static Map<?, ?> object(String part) {
        return (Map<?, ?>) new Json(new String(decode(part), StandardCharsets.UTF_8)).document();
    }

    /** Reads JSON (RFC 8259). A name that stands twice in an object is refused: readers differ on which one counts. */
    static final class Json {
        private final String text;
        private int at;
        private int depth;

        Json(String text) { this.text = text; }

        Object document() {
            Object value = value();
            if (at < text.length()) throw wrong();
            return value;
        }

        private Object value() {
            // What is not verified yet must not fill the stack.
            if (++depth > 16) throw wrong();
            skip();
            Object value = switch (peek()) {
                case '{' -> members();
                case '[' -> elements();
                case '"' -> string();
                case 't' -> word("true", true);
                case 'f' -> word("false", false);
                case 'n' -> word("null", null);
                default -> number();
            };
            skip();
            depth--;
            return value;
        }

        private Map<String, Object> members() {
            Map<String, Object> members = new LinkedHashMap<>();
            take('{');
            skip();
            while (peek() != '}') {
                if (!members.isEmpty()) { take(','); skip(); }
                String name = string();
                skip();
                take(':');
                if (members.containsKey(name)) throw wrong();
                members.put(name, value());
            }
            take('}');
            return members;
        }

        private List<Object> elements() {
            List<Object> elements = new ArrayList<>();
            take('[');
            skip();
            while (peek() != ']') {
                if (!elements.isEmpty()) take(',');
                elements.add(value());
            }
            take(']');
            return elements;
        }

        private String string() {
            StringBuilder read = new StringBuilder();
            take('"');
            while (peek() != '"') {
                char next = next();
                if (next < ' ') throw wrong();
                if (next != '\\') { read.append(next); continue; }
                char escaped = next();
                switch (escaped) {
                    case '"', '\\', '/' -> read.append(escaped);
                    case 'b' -> read.append('\b');
                    case 'f' -> read.append('\f');
                    case 'n' -> read.append('\n');
                    case 'r' -> read.append('\r');
                    case 't' -> read.append('\t');
                    case 'u' -> {
                        if (at + 4 > text.length()) throw wrong();
                        read.append((char) Integer.parseInt(text.substring(at, at += 4), 16));
                    }
                    default -> throw wrong();
                }
            }
            take('"');
            return read.toString();
        }

        private Object number() {
            int start = at;
            while (at < text.length() && "+-.0123456789Ee".indexOf(text.charAt(at)) >= 0) at++;
            return Double.valueOf(text.substring(start, at));
        }

        private Object word(String word, Object value) {
            if (!text.startsWith(word, at)) throw wrong();
            at += word.length();
            return value;
        }

        private void skip() { while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) at++; }
        private char peek() { if (at >= text.length()) throw wrong(); return text.charAt(at); }
        private char next() { char next = peek(); at++; return next; }
        private void take(char wanted) { if (next() != wanted) throw wrong(); }
        private IllegalArgumentException wrong() { return new IllegalArgumentException("not JSON at " + at); }
    }
}
