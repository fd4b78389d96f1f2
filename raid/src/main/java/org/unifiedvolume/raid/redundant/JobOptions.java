package org.unifiedvolume.raid.redundant;

/// How a job is to be done.
///
/// @param maxRateBytes how many bytes of rows a second at most; 0 for as many as go
/// @param checkpointBytes after how many bytes of rows, at least, it is written down how far it is
/// @param idleWindowBytes how many rows of a mirror it works on at a time while nobody else asks
///     for anything, 256 KiB at least
public record JobOptions(long maxRateBytes, long checkpointBytes, long idleWindowBytes) {
    private static final long USUAL_CHECKPOINT_BYTES = 64L << 20;
    private static final long USUAL_IDLE_WINDOW_BYTES = 1 << 20;

    public static final JobOptions DEFAULT = new JobOptions(0);

    public JobOptions(long maxRateBytes) {
        this(maxRateBytes, USUAL_CHECKPOINT_BYTES, USUAL_IDLE_WINDOW_BYTES);
    }
}
