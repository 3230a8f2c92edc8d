package hydra.compat;

import io.getmedusa.medusa.core.annotation.UIEventPage;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;

/** A page of service {@code one} for everybody. */
@UIEventPage(path = "/one/who", file = "/pages/who")
@ConditionalOnProperty(name = "medusa.name", havingValue = "one")
public class WhoOne extends WhoPage {
}
