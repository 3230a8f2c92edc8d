package hydra.compat;

import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.config.web.server.ServerHttpSecurity;
import org.springframework.security.web.server.SecurityWebFilterChain;

/**
 * Medusa's security: everything is open to everybody, and posts need a CSRF token unless the application says
 * otherwise. Those with fragments for others say so, as the gateway has no such token.
 */
@Configuration
class Security {

    @Bean
    SecurityWebFilterChain openToEverybody(ServerHttpSecurity http, @Value("${compat.csrf:false}") boolean csrf) {
        if (!csrf) http.csrf(ServerHttpSecurity.CsrfSpec::disable);
        return http.authorizeExchange(exchanges -> exchanges.anyExchange().permitAll()).build();
    }
}
