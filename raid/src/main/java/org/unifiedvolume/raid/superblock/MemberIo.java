package org.unifiedvolume.raid.superblock;

import java.io.IOException;

/// A member as superblocks see it. Each call waits until it is done.
public interface MemberIo {
    long sizeBytes();

    /// The bytes of a range, on the member's block grid.
    byte[] read(long offset, int length) throws IOException;

    /// Stores bytes so that they survive a power cut.
    void writeDurable(long offset, byte[] bytes) throws IOException;
}
