package hydra.compat;

import io.getmedusa.medusa.core.security.MedusaSecurity;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.config.web.server.ServerHttpSecurity;
import org.springframework.security.web.server.SecurityWebFilterChain;

/**
 * Lets the gateway ask for fragments: it has no CSRF token. With {@code compat.csrf=true} Medusa's own security holds,
 * which asks for one.
 */
@Configuration
@ConditionalOnProperty(name = "compat.csrf", havingValue = "false", matchIfMissing = true)
public class Security {

    @Bean
    public SecurityWebFilterChain withoutCsrf(ServerHttpSecurity http) {
        return MedusaSecurity.defaultSecurity(http)
            .csrf(ServerHttpSecurity.CsrfSpec::disable)
            .authorizeExchange(exchanges -> exchanges.anyExchange().permitAll())
            .build();
    }
}
