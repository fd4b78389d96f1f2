package org.unifiedvolume.loop;

/// Decides on which CPU a loop's thread runs.
public final class CpuFollower {
    void turned() {}
}
