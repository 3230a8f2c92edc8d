package hydra.compat;

import io.netty.channel.ChannelOption;
import io.netty.handler.timeout.ReadTimeoutHandler;
import io.netty.handler.timeout.WriteTimeoutHandler;
import io.netty.resolver.DefaultAddressResolverGroup;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.core.io.support.ResourcePatternResolver;
import org.springframework.http.HttpStatus;
import org.springframework.http.client.reactive.ReactorClientHttpConnector;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.stereotype.Component;
import org.springframework.web.reactive.function.client.WebClient;
import reactor.core.publisher.Mono;
import reactor.netty.http.client.HttpClient;

/**
 * Registers and beats on a Medusa client's schedule, and asks for the fragments of pages, over the same pooled WebClient
 * with 2 s limits.
 */
@Component
class GatewayClient {

    private static final int TIMEOUT_MS = 2000;

    private final WebClient http = WebClient.builder()
        .clientConnector(new ReactorClientHttpConnector(HttpClient.create()
            .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, TIMEOUT_MS)
            .responseTimeout(Duration.ofMillis(TIMEOUT_MS))
            .resolver(DefaultAddressResolverGroup.INSTANCE)
            .doOnConnected(connection -> connection
                .addHandlerLast(new ReadTimeoutHandler(TIMEOUT_MS, TimeUnit.MILLISECONDS))
                .addHandlerLast(new WriteTimeoutHandler(TIMEOUT_MS, TimeUnit.MILLISECONDS)))))
        .build();
    private final Registration registration;
    private final String discovery;
    private final LoginTokens logins;
    private volatile boolean registered = false;

    GatewayClient(
        ResourcePatternResolver resolver,
        LoginTokens logins,
        @Value("${medusa.name}") String name,
        @Value("${server.port}") int port,
        @Value("${medusa.hydra.uri}") String gateway,
        @Value("${medusa.hydra.secret.public-key}") String publicKey) throws IOException {
        String host = InetAddress.getLocalHost().getHostAddress();
        Set<String> pages = new TreeSet<>(WhoPages.paths(name));
        pages.addAll(Set.of("/" + name + "/counter", "/" + name + "/fragments"));
        this.registration = Registration.of(name, host, port, pages, StaticResources.names(resolver));
        this.logins = logins;
        this.discovery = gateway + "/h/discovery/" + publicKey;
    }

    @Scheduled(fixedDelay = 1000)
    void register() {
        if (registered) return;
        http.post().uri(discovery + "/registration").bodyValue(registration)
            .exchangeToMono(response -> {
                if (!response.statusCode().equals(HttpStatus.OK)) return response.releaseBody();
                registered = true;
                return response.bodyToMono(Answer.class)
                    .doOnNext(answer -> logins.update(answer.publicKey(), answer.roleMappings())).then();
            })
            .onErrorResume(this::lost)
            .subscribe();
    }

    @Scheduled(fixedDelay = 3000)
    void beat() {
        if (!registered) return;
        http.post().uri(discovery + "/alive").bodyValue(registration.name())
            .exchangeToMono(response -> {
                if (response.statusCode().equals(HttpStatus.OK)) return response.bodyToMono(String.class).then();
                registered = false;
                return response.releaseBody();
            })
            .onErrorResume(this::lost)
            .subscribe();
    }

    /**
     * What became of the fragments of a page. Every failure is an answer without entries, with which the page shows
     * its placeholders.
     */
    Mono<List<RenderedFragment>> fragments(Template template, Map<String, Object> attributes) {
        if (!registered) return Mono.just(template.fallbacks());
        return http.post().uri(discovery + "/requestFragment").bodyValue(new Asked(attributes, template.requests()))
            .exchangeToMono(response -> response.statusCode().equals(HttpStatus.OK)
                ? response.bodyToMono(RenderedFragment[].class)
                : response.releaseBody().thenReturn(new RenderedFragment[0]))
            .map(List::of)
            .onErrorReturn(List.of());
    }

    private Mono<Void> lost(Throwable reason) {
        registered = false;
        return Mono.empty();
    }

    record Asked(Map<String, Object> attributes, Map<String, List<Fragment>> requests) {}

    /** What a Medusa client reads of the answer. */
    record Answer(String publicKey, List<Object> services, Map<String, String> roleMappings) {}
}
