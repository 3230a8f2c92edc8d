package hydra.compat;

import java.util.List;
import java.util.Map;
import java.util.Set;

/** The bean a Medusa client posts; its constant properties are constants there too. */
record Registration(
    String webProtocol,
    String host,
    int port,
    int socketPort,
    String name,
    long version,
    long activeSince,
    String awakening,
    Set<String> endpoints,
    Set<String> sockets,
    Set<String> staticResources,
    Map<String, List<Object>> menuItems) {

    static Registration of(String name, String host, int port, Set<String> endpoints, Set<String> staticResources) {
        return new Registration("http", host, port, 0, name, 0, System.currentTimeMillis(), null,
            endpoints, Set.of(), staticResources, Map.of());
    }
}
