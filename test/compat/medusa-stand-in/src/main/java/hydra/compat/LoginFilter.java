package hydra.compat;

import java.time.Duration;
import org.springframework.http.HttpCookie;
import org.springframework.http.ResponseCookie;
import org.springframework.security.authentication.ReactiveAuthenticationManager;
import org.springframework.security.core.Authentication;
import org.springframework.security.web.server.authentication.AuthenticationWebFilter;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/**
 * Knows callers by {@code HYDRA-SSO}. Whoever it does not know gets a cookie with the path they asked for, as with Medusa
 * whether or not that path is for some people only, without a {@code Path} of its own.
 */
class LoginFilter extends AuthenticationWebFilter {

    LoginFilter(LoginTokens tokens) {
        super((ReactiveAuthenticationManager) Mono::just);
        setServerAuthenticationConverter(exchange -> {
            HttpCookie login = exchange.getRequest().getCookies().getFirst("HYDRA-SSO");
            Authentication caller = login == null ? null : tokens.read(login.getValue());
            return caller == null ? nobody(exchange) : Mono.just(caller);
        });
    }

    private static Mono<Authentication> nobody(ServerWebExchange exchange) {
        String path = exchange.getRequest().getPath().toString();
        exchange.getResponse().addCookie(
            ResponseCookie.from("Referer", path).httpOnly(true).maxAge(Duration.ofMinutes(4)).build());
        return Mono.empty();
    }
}
