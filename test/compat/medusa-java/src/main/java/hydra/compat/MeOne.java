package hydra.compat;

import io.getmedusa.medusa.core.annotation.UIEventPage;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;

/** A page of service {@code one} for who is signed in. */
@UIEventPage(path = "/one/me", file = "/pages/who")
@ConditionalOnProperty(name = "medusa.name", havingValue = "one")
public class MeOne extends WhoPage {
}
