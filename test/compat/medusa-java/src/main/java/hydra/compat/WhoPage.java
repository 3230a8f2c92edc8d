package hydra.compat;

import static io.getmedusa.medusa.core.attributes.Attribute.$;
import static io.getmedusa.medusa.core.attributes.Attribute.$$;

import io.getmedusa.medusa.core.attributes.Attribute;
import java.util.List;
import java.util.stream.Collectors;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.GrantedAuthority;
import org.springframework.web.reactive.function.server.ServerRequest;

/** What the pages have that say who asks, and what for. Each path needs a class of its own. */
public abstract class WhoPage {

    public List<Attribute> setupAttributes(ServerRequest request) {
        Authentication caller = (Authentication) request.exchange().getAttribute(Callers.ATTRIBUTE);
        String query = request.uri().getRawQuery();
        return $$(
            $("who", caller == null ? "nobody" : caller.getName()),
            $("authorities", caller == null ? "" : authorities(caller)),
            $("asked", request.uri().getRawPath() + (query == null ? "" : "?" + query)));
    }

    private static String authorities(Authentication caller) {
        return caller.getAuthorities().stream()
            .map(GrantedAuthority::getAuthority).sorted().collect(Collectors.joining(" "));
    }
}
