package org.unifiedvolume.raid.redundant;

import java.util.List;

/// Which legs get changes later than these are acknowledged, and how much later.
///
/// @param names the names of the members
/// @param bytes how many bytes of acknowledged changes such a leg may lack
/// @param nanos how old the oldest of them may be when one more is acknowledged
public record BehindOptions(List<String> names, long bytes, long nanos) {
    public static final long DEFAULT_BYTES = 16L << 20;
    public static final long DEFAULT_NANOS = 5_000_000_000L;

    /// Every leg has a change before it is acknowledged.
    public static final BehindOptions NONE =
            new BehindOptions(List.of(), DEFAULT_BYTES, DEFAULT_NANOS);

    public BehindOptions {
        names = List.copyOf(names);
    }
}
