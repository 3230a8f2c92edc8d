package hydra.compat;

import java.util.Map;
import org.springframework.messaging.handler.annotation.MessageMapping;
import org.springframework.messaging.handler.annotation.Payload;
import org.springframework.stereotype.Controller;
import reactor.core.publisher.Flux;

/** Counts what one page sends over its request-channel, on the route form Medusa's pages use. */
@Controller
class CounterSocket {

    @MessageMapping("event-emitter/{hash}/{session}/{locale}")
    Flux<Map<String, Integer>> count(@Payload Flux<Map<String, Integer>> clicks) {
        return clicks.scan(0, (sum, click) -> sum + click.get("by")).skip(1).map(count -> Map.of("count", count));
    }
}
