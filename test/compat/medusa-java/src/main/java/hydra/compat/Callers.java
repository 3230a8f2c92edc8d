package hydra.compat;

import org.springframework.security.core.Authentication;
import org.springframework.stereotype.Component;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;
import reactor.core.publisher.Mono;

/** Puts who calls where a page's {@code setupAttributes} can read it without waiting. It runs after Medusa's security. */
@Component
public class Callers implements WebFilter {

    static final String ATTRIBUTE = "hydra.compat.caller";

    @Override
    public Mono<Void> filter(ServerWebExchange exchange, WebFilterChain chain) {
        return exchange.getPrincipal().cast(Authentication.class)
            .doOnNext(caller -> exchange.getAttributes().put(ATTRIBUTE, caller))
            .then(Mono.defer(() -> chain.filter(exchange)));
    }
}
