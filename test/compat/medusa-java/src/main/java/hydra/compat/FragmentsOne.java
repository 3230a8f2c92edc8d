package hydra.compat;

import static io.getmedusa.medusa.core.attributes.Attribute.$;
import static io.getmedusa.medusa.core.attributes.Attribute.$$;

import io.getmedusa.medusa.core.annotation.UIEventPage;
import io.getmedusa.medusa.core.attributes.Attribute;
import java.time.LocalDateTime;
import java.util.List;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;

/** A page of service {@code one} with a fragment of another service, and with one of a service that is not there. */
@UIEventPage(path = "/one/fragments", file = "/pages/fragments")
@ConditionalOnProperty(name = "medusa.name", havingValue = "one")
public class FragmentsOne {

    public List<Attribute> setupAttributes() {
        return $$(
            $("message", "Hello from one"),
            $("items", List.of(1, 2)),
            $("since", LocalDateTime.of(2026, 1, 2, 3, 4, 5)));
    }
}
