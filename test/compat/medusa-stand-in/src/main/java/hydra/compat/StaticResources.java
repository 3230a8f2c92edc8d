package hydra.compat;

import java.io.IOException;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.io.ClassPathResource;
import org.springframework.core.io.Resource;
import org.springframework.core.io.support.ResourcePatternResolver;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.RouterFunctions;
import org.springframework.web.reactive.function.server.ServerResponse;

/**
 * The static resources. Medusa serves them under {@code /static/} beside Spring's own root, and registers
 * with them thousands of names that its search of the classpath brings up and nobody will ever ask for.
 */
@Configuration
class StaticResources {

    private static final String FOLDER = "/static/";
    private static final int JUNK = 5000;

    @Bean
    RouterFunction<ServerResponse> underStatic() {
        return RouterFunctions.resources("/static/**", new ClassPathResource("static/"));
    }

    static Set<String> names(ResourcePatternResolver resolver) throws IOException {
        Set<String> names = new TreeSet<>(Set.of("a folder/", "a name with spaces.txt", "Outer$Inner.class"));
        for (Resource resource : resolver.getResources("classpath*:static/**/*.*")) {
            String path = resource.getURI().toString();
            names.add(path.substring(path.indexOf(FOLDER) + FOLDER.length()));
        }
        IntStream.range(0, JUNK).forEach(i -> names.add("org/example/some/library/Static$" + i + ".class"));
        return names;
    }
}
