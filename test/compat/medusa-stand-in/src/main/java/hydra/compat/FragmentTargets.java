package hydra.compat;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.http.HttpStatus;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The fragments other pages may have of this service. As with Medusa a ref that is not known fails the whole request,
 * the attributes of the page win over the fragment's own, and HTML comes in as many entries as it had buffers.
 */
@RestController
class FragmentTargets {

    private static final Logger LOG = LoggerFactory.getLogger(FragmentTargets.class);
    private static final String HELLO =
        "<div id=\"NAME_hello\">NAME says <b>[[${message}]]</b> for <i>[[${price}]]</i></div>";

    private final String publicKey;
    private final Map<String, String> htmlByRef;

    FragmentTargets(
        @Value("${medusa.name}") String name,
        @Value("${medusa.hydra.secret.public-key}") String publicKey) {
        this.publicKey = publicKey;
        this.htmlByRef = Map.of(name + "_hello", HELLO.replace("NAME", name));
    }

    @PostMapping("/h/fragment/{publicKey}/requestFragment")
    Mono<List<RenderedFragment>> render(
        @RequestBody Asked asked, @PathVariable("publicKey") String given, ServerHttpResponse response) {
        if (!publicKey.equals(given)) {
            response.setStatusCode(HttpStatus.NOT_FOUND);
            return Mono.just(List.of());
        }
        LOG.info("asked for {}", asked.requests().stream().map(Fragment::ref).toList());
        return Flux.fromIterable(asked.requests()).concatMap(request -> {
            Map<String, Object> attributes = new HashMap<>(Map.of("message", "nothing", "price", "nothing"));
            attributes.putAll(asked.attributes());
            String html = Template.rendered(htmlByRef.get(request.ref()), attributes);
            int middle = html.length() / 2;
            return Flux.just(html.substring(0, middle), html.substring(middle))
                .map(piece -> new RenderedFragment(piece, request.id()));
        }).collectList();
    }

    record Asked(Map<String, Object> attributes, List<Fragment> requests) {}
}
