package org.unifiedvolume.raid.redundant;

import java.io.IOException;

/// Where an array writes down its state.
interface StateStore {
    /// What it is about, for messages.
    String place();

    /// Makes a state durable on everything that a later start looks at.
    ///
    /// @throws IOException saying what to do; the state may be on some of the places
    void save(ArrayState state) throws IOException;
}
