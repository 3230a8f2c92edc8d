package hydra.compat;

import io.getmedusa.medusa.core.annotation.UIEventPage;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;

/** A page of service {@code two} for everybody. */
@UIEventPage(path = "/two/who", file = "/pages/who")
@ConditionalOnProperty(name = "medusa.name", havingValue = "two")
public class WhoTwo extends WhoPage {
}
