package org.unifiedvolume.raid.mirror;

import java.io.IOException;

/// Where the record of a mirror is kept.
public interface RecordStore {
    /// The bytes that were saved last; null if there are none. May block.
    byte[] load() throws IOException;

    /// Replaces what was saved: after a power cut, whenever it comes, either the old bytes are
    /// there or the new ones; when this has returned, the new ones. May block.
    void save(byte[] bytes) throws IOException;

    /// What people call it, for messages.
    String place();
}
