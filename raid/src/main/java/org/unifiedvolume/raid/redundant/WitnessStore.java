package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import org.unifiedvolume.raid.superblock.Witness;

/// Where this host remembers an array.
public interface WitnessStore {
    /// What is remembered; null if nothing is.
    Witness load() throws IOException;

    /// Remembers durably.
    void save(Witness witness) throws IOException;
}
