package hydra.compat;

import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.web.server.SecurityWebFiltersOrder;
import org.springframework.security.config.web.server.ServerHttpSecurity;
import org.springframework.security.web.server.SecurityWebFilterChain;

/**
 * Medusa's security as its applications ask for it: callers by their token, Spring's form login for who has none, which
 * is the redirect to {@code /login}, and rules of the application. Posts need a CSRF token unless it says otherwise; those
 * with fragments for others say so, as the gateway has no such token.
 */
@Configuration
class Security {

    @Bean
    SecurityWebFilterChain forCallers(
        ServerHttpSecurity http,
        LoginTokens tokens,
        @Value("${medusa.name}") String name,
        @Value("${compat.csrf:false}") boolean csrf) {
        if (!csrf) http.csrf(ServerHttpSecurity.CsrfSpec::disable);
        return http
            .addFilterBefore(new LoginFilter(tokens), SecurityWebFiltersOrder.AUTHENTICATION)
            .formLogin(Customizer.withDefaults())
            .httpBasic(ServerHttpSecurity.HttpBasicSpec::disable)
            .authorizeExchange(exchanges -> exchanges
                .pathMatchers(WhoPages.forAuthority(name)).hasAuthority(WhoPages.AUTHORITY)
                .pathMatchers(WhoPages.forSignedIn(name)).authenticated()
                .anyExchange().permitAll())
            .build();
    }
}
