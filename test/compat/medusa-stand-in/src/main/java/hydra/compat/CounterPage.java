package hydra.compat;

import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.MediaType;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.RouterFunctions;
import org.springframework.web.reactive.function.server.ServerResponse;

/** The page. Its static and socket URLs get the first {@code hydra-path} in front, as Medusa does it. */
@Configuration
class CounterPage {

    private static final String HTML = """
        <!DOCTYPE html>
        <html lang="en">
        <head>
          <meta charset="UTF-8">
          <title>Counter</title>
          <link rel="stylesheet" href="PREFIX/css/counter.css">
          <script src="PREFIX/js/mark.js"></script>
        </head>
        <body>
          <h1 id="name">NAME</h1>
          <p id="count">0</p>
          <button id="more">One more</button>
          <script src="PREFIX/js/counter.js" data-socket="PREFIX/socket"></script>
        </body>
        </html>
        """;

    @Bean
    RouterFunction<ServerResponse> counter(@Value("${medusa.name}") String name) {
        return RouterFunctions.route().GET("/" + name + "/counter", request -> {
            String path = request.headers().firstHeader("hydra-path");
            String page = HTML.replace("PREFIX", path == null ? "" : "/" + path).replace("NAME", name);
            return ServerResponse.ok().contentType(MediaType.TEXT_HTML).bodyValue(page);
        }).build();
    }
}
