package org.unifiedvolume.cache;

/// How a [ReadCache] works.
///
/// @param capacityBytes how much pool memory it may hold, at least 1 MiB
/// @param readaheadBytes the longest window to fetch ahead of a sequential reader, at most a
///     sixteenth of the capacity; 0 for none
public record CacheOptions(long capacityBytes, long readaheadBytes) {
    public static final long LEAST_BYTES = 1 << 20;
    private static final long DEFAULT_READAHEAD_BYTES = 1 << 20;

    public CacheOptions {
        if (capacityBytes < LEAST_BYTES) {
            throw new IllegalArgumentException(
                    "a cache of %d bytes; it needs at least %d"
                            .formatted(capacityBytes, LEAST_BYTES));
        }
        readaheadBytes = Math.min(readaheadBytes, capacityBytes / 16);
    }

    /// A cache of this size that reads up to 1 MiB ahead.
    public static CacheOptions of(long capacityBytes) {
        return new CacheOptions(capacityBytes, DEFAULT_READAHEAD_BYTES);
    }

    /// How much of the capacity is for what was fetched ahead and not used yet: the windows of a
    /// few readers.
    long aheadLimitBytes() {
        return Math.min(4 * readaheadBytes, capacityBytes / 4);
    }
}
