package hydra.compat;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.MediaType;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.GrantedAuthority;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.RouterFunctions;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import org.springframework.web.util.HtmlUtils;
import reactor.core.publisher.Mono;

/**
 * Pages that say who asks and what for: one for everybody, one for who is signed in, and one for who has an authority,
 * deep enough that a cookie without {@code Path} would not reach the login.
 */
@Configuration
class WhoPages {

    static final String AUTHORITY = "ADMIN";

    private static final String HTML = """
        <!DOCTYPE html>
        <html lang="en">
        <head>
          <meta charset="UTF-8">
          <title>Who</title>
        </head>
        <body>
          <h1 id="name">%s</h1>
          <p id="who">%s</p>
          <p id="authorities">%s</p>
          <p id="asked">%s</p>
        </body>
        </html>
        """;

    @Bean
    RouterFunction<ServerResponse> who(@Value("${medusa.name}") String name) {
        RouterFunctions.Builder router = RouterFunctions.route();
        for (String path : paths(name)) router.GET(path, request -> page(name, request));
        return router.build();
    }

    static List<String> paths(String name) {
        return List.of("/" + name + "/who", forSignedIn(name), forAuthority(name));
    }

    static String forSignedIn(String name) {
        return "/" + name + "/me";
    }

    static String forAuthority(String name) {
        return "/" + name + "/secure/a/b";
    }

    private static Mono<ServerResponse> page(String name, ServerRequest request) {
        String query = request.uri().getRawQuery();
        String asked = request.uri().getRawPath() + (query == null ? "" : "?" + query);
        return request.principal().cast(Authentication.class)
            .map(caller -> html(name, caller.getName(), authorities(caller), asked))
            .defaultIfEmpty(html(name, "nobody", "", asked))
            .flatMap(html -> ServerResponse.ok().contentType(MediaType.TEXT_HTML).bodyValue(html));
    }

    private static String authorities(Authentication caller) {
        return caller.getAuthorities().stream()
            .map(GrantedAuthority::getAuthority).sorted().collect(Collectors.joining(" "));
    }

    private static String html(String... values) {
        return HTML.formatted(Arrays.stream(values).map(HtmlUtils::htmlEscape).toArray());
    }
}
