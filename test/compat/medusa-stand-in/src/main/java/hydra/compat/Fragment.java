package hydra.compat;

/** A fragment tag of a page, and the placeholder that stands in its place. Posted with these properties. */
record Fragment(String id, String service, String ref, String fallback) {}
