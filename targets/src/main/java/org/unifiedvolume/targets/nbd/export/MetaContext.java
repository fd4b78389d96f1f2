package org.unifiedvolume.targets.nbd.export;

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
}
