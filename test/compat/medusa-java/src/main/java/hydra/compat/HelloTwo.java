package hydra.compat;

import io.getmedusa.medusa.core.annotation.UIEventPage;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;

/**
 * The fragments service {@code two} has for pages of others: the elements with {@code m:ref} of this page, rendered
 * with what the other page has. It sets nothing of its own.
 */
@UIEventPage(path = "/two/hello", file = "/pages/hello")
@ConditionalOnProperty(name = "medusa.name", havingValue = "two")
public class HelloTwo {
}
