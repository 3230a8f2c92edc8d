package hydra.compat;

import io.getmedusa.medusa.core.security.MedusaSecurity;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.config.web.server.ServerHttpSecurity;
import org.springframework.security.web.server.SecurityWebFilterChain;

/**
 * Medusa's security with pages for some: callers by the gateway's token, who has none is sent to the login. Posts need a
 * CSRF token with {@code compat.csrf=true}, as by default; otherwise not, as the gateway that asks for fragments has none.
 */
@Configuration
public class Security {

    @Bean
    public SecurityWebFilterChain forCallers(
        ServerHttpSecurity http,
        @Value("${medusa.name}") String name,
        @Value("${compat.csrf:false}") boolean csrf) {
        ServerHttpSecurity secured = MedusaSecurity.defaultSecurity(http);
        if (!csrf) secured.csrf(ServerHttpSecurity.CsrfSpec::disable);
        return secured
            .authorizeExchange(exchanges -> exchanges
                .pathMatchers("/" + name + "/secure/**").hasAuthority("ADMIN")
                .pathMatchers("/" + name + "/me").authenticated()
                .anyExchange().permitAll())
            .build();
    }
}
