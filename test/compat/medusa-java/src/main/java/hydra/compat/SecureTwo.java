package hydra.compat;

import io.getmedusa.medusa.core.annotation.UIEventPage;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;

/** A page of service {@code two} for who has the authority ADMIN. */
@UIEventPage(path = "/two/secure/a/b", file = "/pages/who")
@ConditionalOnProperty(name = "medusa.name", havingValue = "two")
public class SecureTwo extends WhoPage {
}
