package hydra.compat;

import io.getmedusa.medusa.core.annotation.UIEventPage;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;

/** A page of service {@code one} for who has the authority ADMIN. */
@UIEventPage(path = "/one/secure/a/b", file = "/pages/who")
@ConditionalOnProperty(name = "medusa.name", havingValue = "one")
public class SecureOne extends WhoPage {
}
