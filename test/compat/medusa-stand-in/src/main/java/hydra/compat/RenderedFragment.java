package hydra.compat;

/** What became of a fragment; {@code renderedHTML} is null where its fallback is to be shown. */
record RenderedFragment(String renderedHTML, String id) {}
