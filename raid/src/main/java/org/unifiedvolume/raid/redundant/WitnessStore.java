package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import org.unifiedvolume.raid.superblock.Witness;

/// Where this host remembers an array.
public interface WitnessStore {
    /// Remembers nothing: for arrays that never start without all of their members.
    WitnessStore NONE =
            new WitnessStore() {
                @Override
                public Witness load() {
                    return null;
                }

                @Override
                public void save(Witness witness) {
                    // nobody will ask
                }
            };

    /// What is remembered; null if nothing is.
    Witness load() throws IOException;

    /// Remembers durably.
    void save(Witness witness) throws IOException;
}
