package org.unifiedvolume.config;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A URI that names a member or an export: `scheme:[//authority]/path[?key=value&…]`.
///
/// A bare path stands for `file:`. The keys that a kind knows are asked for by the typed methods;
/// [#rejectUnknownKeys] then refuses the others by name.
public final class DeviceUri {
    private static final Pattern SHAPE =
            Pattern.compile(
                    "([a-z][a-z0-9+.-]*):(?://([^/?]*))?([^?]*)(?:\\?(.*))?",
                    Pattern.CASE_INSENSITIVE);

    private final Place place;
    private final Path baseFolder;
    private final String text;
    private final String scheme;
    private final String authority;
    private final String path;
    private final Map<String, String> query;
    private final Map<String, String> defaults = new LinkedHashMap<>();
    private final Set<String> asked = new TreeSet<>();

    private DeviceUri(
            Place place,
            Path baseFolder,
            String text,
            String scheme,
            String authority,
            String path,
            Map<String, String> query) {
        this.place = place;
        this.baseFolder = baseFolder;
        this.text = text;
        this.scheme = scheme;
        this.authority = authority;
        this.path = path;
        this.query = query;
    }

    /// Reads a URI.
    ///
    /// @param baseFolder what relative paths are relative to
    /// @throws ConfigFault if it has no scheme, or a query that is not `key=value&…`
    public static DeviceUri parse(Place place, Path baseFolder, String text) throws ConfigFault {
        if (text.startsWith("/") || text.startsWith("./") || text.startsWith("../")) {
            return parse(place, baseFolder, "file:" + text);
        }
        Matcher matcher = SHAPE.matcher(text);
        if (!matcher.matches()) {
            throw new ConfigFault(
                    place,
                    "\"%s\" is not a device".formatted(text),
                    "write a URI such as file:/srv/a.img or nbd://host/name");
        }
        return new DeviceUri(
                place,
                baseFolder,
                text,
                matcher.group(1).toLowerCase(java.util.Locale.ROOT),
                matcher.group(2) == null ? "" : matcher.group(2),
                decode(place, text, matcher.group(3)),
                parseQuery(place, text, matcher.group(4)));
    }

    private static Map<String, String> parseQuery(Place place, String text, String query)
            throws ConfigFault {
        Map<String, String> pairs = new LinkedHashMap<>();
        if (query == null || query.isEmpty()) {
            return pairs;
        }
        for (String pair : query.split("&", -1)) {
            int equals = pair.indexOf('=');
            if (equals <= 0) {
                throw new ConfigFault(
                        place,
                        "\"%s\" in %s is not an option".formatted(pair, text),
                        "write ?key=value&key=value");
            }
            String key = pair.substring(0, equals);
            if (pairs.put(key, decode(place, text, pair.substring(equals + 1))) != null) {
                throw new ConfigFault(
                        place, "%s gives %s twice".formatted(text, key), "keep one of them");
            }
        }
        return pairs;
    }

    /// Percent-decoding; a plus sign stays one.
    private static String decode(Place place, String text, String part) throws ConfigFault {
        try {
            return URLDecoder.decode(part.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw new ConfigFault(
                    place,
                    "%s has a broken %% escape".formatted(text),
                    "write %25 for a percent sign");
        }
    }

    public Place place() {
        return place;
    }

    /// As it was written. May hold secrets: not for messages.
    public String text() {
        return text;
    }

    public String scheme() {
        return scheme;
    }

    /// What stands between `//` and the path; empty if there is none.
    public String authority() {
        return authority;
    }

    /// What stands behind the authority, decoded; begins with a slash if there is an authority.
    public String path() {
        return path;
    }

    /// The path as a file's path, relative ones taken from the base folder.
    ///
    /// @throws ConfigFault if there is none
    public Path filePath() throws ConfigFault {
        if (path.isEmpty() || !authority.isEmpty()) {
            throw fault("has no path", "write %s:/path/to/file".formatted(scheme));
        }
        return resolve(path);
    }

    private Path resolve(String written) throws ConfigFault {
        if (written.indexOf('\0') >= 0) {
            throw fault("has a NUL in its path", "name a file");
        }
        return baseFolder.resolve(written).normalize();
    }

    /// A path given as an option, relative ones taken from the base folder; null if it is not
    /// given.
    public Path pathOption(String key) throws ConfigFault {
        String value = option(key);
        return value == null ? null : resolve(value);
    }

    /// The value of an option where the URI does not give it. Kinds that do not know the option
    /// take no notice.
    public void setDefault(String key, String value) {
        defaults.put(key, value);
    }

    /// An option's value; null if it is not given.
    public String option(String key) {
        asked.add(key);
        return query.getOrDefault(key, defaults.get(key));
    }

    /// An option that is `true` or `false`.
    public boolean flag(String key, boolean otherwise) throws ConfigFault {
        String value = option(key);
        return switch (value) {
            case null -> otherwise;
            case "true" -> true;
            case "false" -> false;
            default -> throw optionFault(key, value, "write true or false");
        };
    }

    /// An option that is a whole number.
    public int number(String key, int otherwise, int least, int most) throws ConfigFault {
        String value = option(key);
        if (value == null) {
            return otherwise;
        }
        try {
            int number = Integer.parseInt(value);
            if (number >= least && number <= most) {
                return number;
            }
        } catch (NumberFormatException e) {
            // refused below, like a number out of bounds
        }
        throw optionFault(key, value, "write a number from %d to %d".formatted(least, most));
    }

    /// An option that is a size, in bytes.
    public long size(String key, long otherwise) throws ConfigFault {
        String value = option(key);
        return value == null ? otherwise : Units.parseSize(place, value);
    }

    /// An option that is a duration, in nanoseconds.
    public long duration(String key, long otherwise) throws ConfigFault {
        String value = option(key);
        return value == null ? otherwise : Units.parseDuration(place, value);
    }

    /// Refuses options that nobody has asked for.
    public void rejectUnknownKeys() throws ConfigFault {
        for (String key : query.keySet()) {
            if (!asked.contains(key)) {
                throw fault(
                        "has an unknown option \"%s\"".formatted(key),
                        asked.isEmpty() ? "leave it out" : Suggestion.remedy(key, asked));
            }
        }
    }

    private ConfigFault optionFault(String key, String value, String remedy) {
        return fault("has %s=%s".formatted(key, value), remedy);
    }

    /// A fault about this URI: `place: URI problem; remedy`.
    public ConfigFault fault(String problem, String remedy) {
        return new ConfigFault(place, this + " " + problem, remedy);
    }

    /// The URI without secrets: what stands between `%` and `@` is replaced.
    @Override
    public String toString() {
        return text.replaceAll("%[^@/]*@", "%***@");
    }
}
