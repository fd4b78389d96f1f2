package org.unifiedvolume.targets.nbd.export;

import java.util.Set;

/// What a client and the server agreed on in the handshake.
///
/// @param replies how replies are laid out
/// @param contexts the metadata contexts that block status requests answer with
record Negotiated(Replies replies, Set<MetaContext> contexts) {
    /// The layouts of replies, each needing what the one before it needs.
    enum Replies {
        SIMPLE,
        STRUCTURED,
        EXTENDED
    }

    boolean isExtended() {
        return replies == Replies.EXTENDED;
    }

    boolean isChunked() {
        return replies != Replies.SIMPLE;
    }
}
