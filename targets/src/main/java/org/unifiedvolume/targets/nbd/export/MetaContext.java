package org.unifiedvolume.targets.nbd.export;

import java.nio.ByteBuffer;
import java.util.EnumSet;
import java.util.Set;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.targets.nbd.wire.Nbd;

/// The metadata contexts that every export has, with the ids they get when selected.
enum MetaContext {
    ALLOCATION(1, Nbd.CONTEXT_ALLOCATION),
    LOCALITY(2, Nbd.CONTEXT_LOCALITY);

    private final int id;
    private final String fullName;

    MetaContext(int id, String fullName) {
        this.id = id;
        this.fullName = fullName;
    }

    int id() {
        return id;
    }

    String fullName() {
        return fullName;
    }

    /// Whether a query of `NBD_OPT_LIST_META_CONTEXT` asks for this one: by its name, or by its
    /// namespace alone.
    boolean isListedBy(String query) {
        return query.equals(fullName)
                || query.equals(fullName.substring(0, fullName.indexOf(':') + 1));
    }

    /// The state of a stretch in the context LOCALITY: 0 for bytes of the server's host, 1 for
    /// bytes that it fetches from another one, 2 for both.
    static int state(Locality locality) {
        return switch (locality) {
            case LOCAL -> 0;
            case REMOTE -> 1;
            case MIXED -> 2;
        };
    }

    /// The contexts whose ids a request lists, each once; null if one of them was not negotiated or
    /// is listed twice.
    static Set<MetaContext> choose(Set<MetaContext> negotiated, ByteBuffer ids) {
        Set<MetaContext> chosen = EnumSet.noneOf(MetaContext.class);
        while (ids.hasRemaining()) {
            int id = ids.getInt();
            boolean fresh = false;
            for (MetaContext context : negotiated) {
                fresh |= context.id == id && chosen.add(context);
            }
            if (!fresh) {
                return null;
            }
        }
        return chosen;
    }
}
