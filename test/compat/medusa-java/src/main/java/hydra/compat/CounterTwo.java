package hydra.compat;

import static io.getmedusa.medusa.core.attributes.Attribute.$;
import static io.getmedusa.medusa.core.attributes.Attribute.$$;

import io.getmedusa.medusa.core.annotation.UIEventPage;
import io.getmedusa.medusa.core.attributes.Attribute;
import io.getmedusa.medusa.core.session.Session;
import java.util.List;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;

/**
 * The page of service {@code two}: a count kept in the visitor's Medusa session. The annotation wants the path
 * as a constant and Medusa looks for the methods in the annotated class, so each service has a class of its own.
 */
@UIEventPage(path = "/two/counter", file = "/pages/counter")
@ConditionalOnProperty(name = "medusa.name", havingValue = "two")
public class CounterTwo {

    public List<Attribute> setupAttributes() {
        return $$($("name", "two"), $("counter", 0));
    }

    public List<Attribute> add(int amount, Session session) {
        final int counter = session.getAttribute("counter");
        return $$("counter", counter + amount);
    }
}
