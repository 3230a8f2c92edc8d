package hydra.compat;

import io.getmedusa.medusa.core.annotation.UIEventPage;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;

/** A page of service {@code two} for who is signed in. */
@UIEventPage(path = "/two/me", file = "/pages/who")
@ConditionalOnProperty(name = "medusa.name", havingValue = "two")
public class MeTwo extends WhoPage {
}
