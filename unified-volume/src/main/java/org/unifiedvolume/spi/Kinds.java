package org.unifiedvolume.spi;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.DeviceUri;
import org.unifiedvolume.config.Place;
import org.unifiedvolume.config.Suggestion;

/// All kinds that are present in this process, by scheme and level.
public final class Kinds {
    private final Map<String, MemberKind> members;
    private final Map<String, ExportKind> exports;
    private final Map<String, LayoutKind> layouts;
    private final Map<String, Scanner> scanners;

    public Kinds(
            Iterable<MemberKind> members,
            Iterable<ExportKind> exports,
            Iterable<LayoutKind> layouts,
            Iterable<Scanner> scanners) {
        this.members = index(members, MemberKind::schemes);
        this.exports = index(exports, ExportKind::schemes);
        this.layouts = index(layouts, LayoutKind::levels);
        this.scanners = index(scanners, Scanner::schemes);
    }

    /// The kinds that `ServiceLoader` finds on the class path.
    public static Kinds find() {
        return new Kinds(
                ServiceLoader.load(MemberKind.class),
                ServiceLoader.load(ExportKind.class),
                ServiceLoader.load(LayoutKind.class),
                ServiceLoader.load(Scanner.class));
    }

    private Kinds(Kinds from, Map<String, MemberKind> members) {
        this.members = members;
        this.exports = from.exports;
        this.layouts = from.layouts;
        this.scanners = from.scanners;
    }

    /// These kinds and one more kind of members.
    public Kinds with(MemberKind more) {
        Map<String, MemberKind> all = new TreeMap<>(members);
        all.putAll(index(List.of(more), MemberKind::schemes));
        return new Kinds(this, all);
    }

    private static <T> Map<String, T> index(Iterable<T> kinds, Function<T, Set<String>> names) {
        Map<String, T> byName = new TreeMap<>();
        for (T kind : kinds) {
            for (String name : names.apply(kind)) {
                T other = byName.put(name, kind);
                if (other != null) {
                    throw new IllegalStateException(
                            "%s and %s both claim %s".formatted(kind, other, name));
                }
            }
        }
        return byName;
    }

    /// The plan of the member that a URI names.
    public MemberPlan member(DeviceUri uri) throws ConfigFault {
        return byScheme(uri, members, "members").plan(uri);
    }

    /// The plan of the export that a URI names.
    public ExportPlan export(DeviceUri uri) throws ConfigFault {
        return byScheme(uri, exports, "exports").plan(uri);
    }

    /// The one who can ask the host that a URI names.
    public Scanner scanner(DeviceUri uri) throws ConfigFault {
        return byScheme(uri, scanners, "scans");
    }

    private static <T> T byScheme(DeviceUri uri, Map<String, T> kinds, String role)
            throws ConfigFault {
        T kind = kinds.get(uri.scheme());
        if (kind == null) {
            throw uri.fault(
                    "has the scheme \"%s\", which is none of %s".formatted(uri.scheme(), role),
                    Suggestion.remedy(uri.scheme(), kinds.keySet()));
        }
        return kind;
    }

    /// The layout of a level.
    public LayoutKind layout(Place place, String level) throws ConfigFault {
        LayoutKind kind = layouts.get(level);
        if (kind == null) {
            throw new ConfigFault(
                    place,
                    "unknown level \"%s\"".formatted(level),
                    Suggestion.remedy(level, levels()));
        }
        return kind;
    }

    public Collection<String> levels() {
        return layouts.keySet();
    }
}
