package org.unifiedvolume.raid.spread;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.unifiedvolume.config.Units;
import org.unifiedvolume.raid.redundant.ArrayPlan;
import org.unifiedvolume.raid.redundant.PlanChecks;
import org.unifiedvolume.raid.superblock.ArrayDescription;

/// A linear array or a RAID 0 with superblocks, as the user described it.
///
/// @param level [ArrayDescription#LINEAR] or 0
/// @param chunkBytes of a new RAID 0; 0 for a linear array
/// @param isChunkWritten whether the user wrote it, so that an array that exists must have it
public record SpreadPlan(String volume, int level, long chunkBytes, boolean isChunkWritten)
        implements ArrayPlan {
    @Override
    public String name() {
        return isLinear() ? "linear" : "raid0";
    }

    private boolean isLinear() {
        return level == ArrayDescription.LINEAR;
    }

    @Override
    public boolean hasJournal() {
        return false;
    }

    @Override
    public boolean usesAllOfEach() {
        return isLinear();
    }

    /// What is behind the first chunk, or the first member, would be elsewhere.
    @Override
    public boolean keepsContent() {
        return false;
    }

    @Override
    public ArrayDescription describe(
            UUID uuid,
            String name,
            int members,
            long leastDataBytes,
            int blockBytes,
            long createdMicros)
            throws IOException {
        PlanChecks.chunk(volume, blockBytes, chunkBytes);
        long rows = leastDataBytes - leastDataBytes % chunkBytes;
        if (rows == 0) {
            throw PlanChecks.lessThanAChunk(volume, leastDataBytes, chunkBytes);
        }
        return new ArrayDescription(
                uuid,
                name,
                level,
                1,
                chunkBytes,
                Math.multiplyExact(rows, (long) members),
                rows,
                members,
                createdMicros);
    }

    @Override
    public List<ArrayDescription> describeEach(
            UUID uuid,
            String name,
            long[] dataBytes,
            long leastDataBytes,
            int blockBytes,
            long createdMicros)
            throws IOException {
        if (!isLinear()) {
            return ArrayPlan.super.describeEach(
                    uuid, name, dataBytes, leastDataBytes, blockBytes, createdMicros);
        }
        long size = 0;
        for (long data : dataBytes) {
            size = Math.addExact(size, wholeBlocks(data, blockBytes));
        }
        List<ArrayDescription> each = new ArrayList<>();
        for (long data : dataBytes) {
            long rows = wholeBlocks(data, blockBytes);
            each.add(
                    new ArrayDescription(
                            uuid, name, level, 1, 0, size, rows, dataBytes.length, createdMicros));
        }
        return each;
    }

    /// How much of a data area a linear array uses.
    static long wholeBlocks(long dataBytes, int blockBytes) {
        return dataBytes - dataBytes % blockBytes;
    }

    /// Whether an array that exists is what the user described.
    ///
    /// @throws IOException saying what differs, and what to write
    void check(ArrayDescription array) throws IOException {
        PlanChecks.level(volume, this, array);
        if (isChunkWritten && array.chunkBytes() != chunkBytes) {
            throw new IOException(
                    "volume %s: the array was made with chunk: %s; write this"
                            .formatted(volume, Units.size(array.chunkBytes()).replace(" ", "")));
        }
    }
}
