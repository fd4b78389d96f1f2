package org.unifiedvolume.targets.file;

import java.nio.file.Path;

/// How to open a local member.
///
/// @param path a regular file or a block device
/// @param createBytes the size of the sparse file to create if the path does not exist; 0 for not
///     to create. An existing file must have this size
/// @param direct whether to bypass the page cache (`O_DIRECT`)
/// @param readOnly whether to open it for reading only
/// @param workers how many threads wait for slow I/O at the most
/// @param lane where slow I/O waits
public record FileOptions(
        Path path,
        long createBytes,
        boolean direct,
        boolean readOnly,
        int workers,
        LaneChoice lane) {
    public static final int DEFAULT_WORKERS = 8;

    public static FileOptions of(Path path) {
        return new FileOptions(path, 0, false, false, DEFAULT_WORKERS, LaneChoice.AUTO);
    }

    public FileOptions creating(long bytes) {
        return new FileOptions(path, bytes, direct, readOnly, workers, lane);
    }

    public FileOptions withDirect(boolean on) {
        return new FileOptions(path, createBytes, on, readOnly, workers, lane);
    }

    public FileOptions withReadOnly(boolean on) {
        return new FileOptions(path, createBytes, direct, on, workers, lane);
    }

    public FileOptions withLane(LaneChoice choice) {
        return new FileOptions(path, createBytes, direct, readOnly, workers, choice);
    }
}
