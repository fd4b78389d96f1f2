package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import org.unifiedvolume.config.Units;
import org.unifiedvolume.raid.superblock.ArrayDescription;

/// What every level checks in a plan.
public final class PlanChecks {
    private PlanChecks() {}

    /// Whether chunks are whole blocks of every member.
    public static void chunk(String volume, int blockBytes, long chunkBytes) throws IOException {
        if (blockBytes > chunkBytes) {
            throw new IOException(
                    "volume %s: a member has blocks of %s, chunks are %s; write a larger chunk"
                            .formatted(volume, Units.size(blockBytes), Units.size(chunkBytes)));
        }
    }

    /// The refusal of a member that has no room for a chunk.
    public static IOException lessThanAChunk(String volume, long leastDataBytes, long chunkBytes) {
        return new IOException(
                "volume %s: the smallest member has room for %s, less than a chunk of %s; enlarge it or leave it out"
                        .formatted(volume, Units.size(leastDataBytes), Units.size(chunkBytes)));
    }

    /// Whether an array that exists is of the plan's level.
    public static void level(String volume, ArrayPlan plan, ArrayDescription array)
            throws IOException {
        if (!array.levelName().equals(plan.name())) {
            throw new IOException(
                    "volume %s: level: is %s, but its members are of a %s array; write level: %s"
                            .formatted(volume, plan.name(), array.levelName(), array.levelName()));
        }
    }

    /// Whether an array that exists has room for so many members.
    public static void members(String volume, int count, ArrayDescription array)
            throws IOException {
        if (count > array.roles()) {
            throw new IOException(
                    "volume %s: %d members are written, but the array has %d; leave out those that are not of it"
                            .formatted(volume, count, array.roles()));
        }
    }
}
