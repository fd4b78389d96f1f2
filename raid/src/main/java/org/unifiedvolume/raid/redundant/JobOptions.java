package org.unifiedvolume.raid.redundant;

/// How a job is to be done.
///
/// @param maxRateBytes how many bytes of rows a second at most; 0 for as many as go
public record JobOptions(long maxRateBytes) {
    public static final JobOptions DEFAULT = new JobOptions(0);
}
