package org.unifiedvolume.raid.mirror;

/// Which of the good copies is read first.
public enum ReadPolicy {
    /// A local one; among those equally near the one that probably answers first.
    LOCAL_FIRST("local-first"),
    /// The one that probably answers first, wherever it is.
    FASTEST("fastest"),
    /// Each in its turn.
    ROUND_ROBIN("round-robin");

    private final String word;

    ReadPolicy(String word) {
        this.word = word;
    }

    /// As it is written in a configuration.
    public String word() {
        return word;
    }
}
