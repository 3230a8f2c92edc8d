package hydra.compat;

import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.MediaType;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.RouterFunctions;
import org.springframework.web.reactive.function.server.ServerResponse;

/** A page with a fragment of another service, and with one of a service that is not there. */
@Configuration
class FragmentPage {

    private static final String HTML = """
        <!DOCTYPE html>
        <html lang="en" xmlns:m="http://www.getmedusa.io">
        <head>
          <meta charset="UTF-8">
          <title>Fragments</title>
        </head>
        <body>
          <h1 id="message">[[${message}]]</h1>
          <m:fragment service="greeter" ref="ts_hello">
            <p id="ts_down">greeter is down</p>
          </m:fragment>
          <m:fragment service="nobody" ref="nobody_hello">
            <p id="nobody_down">nobody is down</p>
          </m:fragment>
          <p id="last">the end</p>
        </body>
        </html>
        """;

    @Bean
    RouterFunction<ServerResponse> fragments(@Value("${medusa.name}") String name, GatewayClient gateway) {
        Template template = new Template(HTML);
        Map<String, Object> attributes = Map.of(
            "message", "Hello from " + name,
            "items", List.of(1, 2),
            "since", LocalDateTime.of(2026, 1, 2, 3, 4, 5));
        return RouterFunctions.route().GET("/" + name + "/fragments", request ->
            gateway.fragments(template, attributes)
                .map(answers -> template.page(answers, attributes))
                .flatMap(page -> ServerResponse.ok().contentType(MediaType.TEXT_HTML).bodyValue(page))
        ).build();
    }
}
