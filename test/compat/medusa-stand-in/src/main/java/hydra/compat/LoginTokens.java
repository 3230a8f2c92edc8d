package hydra.compat;

import com.auth0.jwt.JWT;
import com.auth0.jwt.algorithms.Algorithm;
import com.auth0.jwt.exceptions.JWTVerificationException;
import com.auth0.jwt.interfaces.DecodedJWT;
import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.X509EncodedKeySpec;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.authority.SimpleGrantedAuthority;
import org.springframework.security.web.authentication.preauth.PreAuthenticatedAuthenticationToken;
import org.springframework.stereotype.Component;

/**
 * Who a token speaks of, read as Medusa reads it: with the one key and the role mappings of the last registration, by
 * the same library, with its zero leeway. Who was found is kept for 5 minutes, whatever the token says of its end;
 * that nobody was found is not kept.
 */
@Component
class LoginTokens {

    private static final Logger LOG = LoggerFactory.getLogger(LoginTokens.class);

    private final Cache<String, Authentication> known =
        Caffeine.newBuilder().expireAfterWrite(Duration.ofMinutes(5)).maximumSize(250).build();
    private final Map<String, String> roleMappings = new ConcurrentHashMap<>();
    private volatile RSAPublicKey key;

    /** Takes what a registration was answered with; without a key everything stays as it was. */
    void update(String publicKey, Map<String, String> mappings) {
        if (publicKey == null) return;
        roleMappings.clear();
        try {
            X509EncodedKeySpec spec = new X509EncodedKeySpec(Base64.getDecoder().decode(publicKey));
            key = (RSAPublicKey) KeyFactory.getInstance("RSA").generatePublic(spec);
            // As there: no mappings at all is a fault, and costs the key.
            roleMappings.putAll(mappings);
            LOG.info("verifies with key {}", Integer.toHexString(publicKey.hashCode()));
        } catch (GeneralSecurityException | RuntimeException fault) {
            key = null;
            throw new IllegalStateException("no use for the key or the role mappings of the answer", fault);
        } finally {
            known.invalidateAll();
        }
    }

    /** Null where the token is not to be believed. */
    Authentication read(String token) {
        return known.get(token, this::verified);
    }

    private Authentication verified(String token) {
        try {
            DecodedJWT jwt = JWT.require(Algorithm.RSA256(key, null)).withIssuer("hydra").build().verify(token);
            List<SimpleGrantedAuthority> authorities = Arrays.stream(jwt.getClaim("roles").asArray(String.class))
                .map(role -> roleMappings.getOrDefault(role, role))
                .map(role -> new SimpleGrantedAuthority(role.toUpperCase()))
                .toList();
            return new PreAuthenticatedAuthenticationToken(jwt.getClaim("username").asString(), "", authorities);
        } catch (JWTVerificationException | IllegalArgumentException | NullPointerException fault) {
            LOG.info("refuses a token: {}", fault.toString());
            return null;
        }
    }
}
