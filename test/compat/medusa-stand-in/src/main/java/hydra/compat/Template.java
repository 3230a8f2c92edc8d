package hydra.compat;

import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.springframework.web.util.HtmlUtils;

/**
 * The template of a page with fragment tags, done as Medusa does it: when the process starts each tag is replaced by
 * a placeholder, and tags with one {@code ref} share it, even those of different services. Fragments are put into the
 * template, and only then it is rendered: expressions in their HTML are the page's.
 */
final class Template {

    private static final Pattern TAG = Pattern.compile("<m:fragment\\b([^>]*)>(.*?)</m:fragment>", Pattern.DOTALL);
    private static final Pattern ATTRIBUTE = Pattern.compile("([\\w-]+)=\"([^\"]*)\"");
    private static final Pattern EXPRESSION = Pattern.compile("\\[\\[\\$\\{(\\w+)}]]");
    private static final SecureRandom RANDOM = new SecureRandom();

    private final Map<String, Fragment> byRef = new LinkedHashMap<>();
    private final String html;

    Template(String source) {
        html = TAG.matcher(source).replaceAll(tag -> Matcher.quoteReplacement(placeholder(tag.group(1), tag.group(2))));
    }

    /** What the gateway is asked for, by service. */
    Map<String, List<Fragment>> requests() {
        Map<String, List<Fragment>> requests = new LinkedHashMap<>();
        for (Fragment fragment : byRef.values()) {
            requests.computeIfAbsent(fragment.service(), service -> new ArrayList<>()).add(fragment);
        }
        return requests;
    }

    /** Every fragment as its fallback, as while there is no gateway. */
    List<RenderedFragment> fallbacks() {
        return byRef.values().stream().map(fragment -> new RenderedFragment(null, fragment.id())).toList();
    }

    /**
     * The page. A placeholder that has no answer stays where visitors see it, and one null for a fragment that is not
     * in this page leaves all of them.
     */
    String page(List<RenderedFragment> answers, Map<String, Object> attributes) {
        return rendered(filled(answers), attributes);
    }

    /** HTML with its expressions replaced by attributes. */
    static String rendered(String html, Map<String, Object> attributes) {
        return EXPRESSION.matcher(html).replaceAll(expression -> {
            Object value = attributes.get(expression.group(1));
            return Matcher.quoteReplacement(value == null ? "" : HtmlUtils.htmlEscape(value.toString(), "UTF-8"));
        });
    }

    private String filled(List<RenderedFragment> answers) {
        String filled = html;
        for (RenderedFragment answer : answers) {
            String shown = answer.renderedHTML();
            if (shown == null) {
                shown = byRef.values().stream().filter(fragment -> fragment.id().equals(answer.id()))
                    .map(Fragment::fallback).findFirst().orElse(null);
                if (shown == null) return html;
            }
            filled = filled.replace(answer.id(), shown);
        }
        return filled;
    }

    private String placeholder(String attributes, String fallback) {
        Map<String, String> given = new LinkedHashMap<>();
        ATTRIBUTE.matcher(attributes).results().forEach(match -> given.put(match.group(1), match.group(2)));
        return byRef.computeIfAbsent(given.get("ref"), ref -> {
            byte[] bytes = new byte[45];
            RANDOM.nextBytes(bytes);
            String id = "$#FRGM-" + Base64.getEncoder().encodeToString(bytes).replace('/', '+');
            return new Fragment(id, given.get("service"), ref, fallback);
        }).id();
    }
}
