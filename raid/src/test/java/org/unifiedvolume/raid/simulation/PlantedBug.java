package org.unifiedvolume.raid.simulation;

import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;

/// Bugs to be planted between the parts of a volume, to show that the simulation finds such.
@SuppressWarnings("ImmutableEnumChecker") // plantings hold no state
enum PlantedBug {
    ACKNOWLEDGES_EARLY(
            "a change is acknowledged before every leg has it",
            Level.RAID1,
            onDisk(1, BadDisk::acknowledgeEarly)),
    OVERLOOKS_FAILURES(
            "a leg that failed a write goes on to be used",
            Level.RAID1,
            onDisk(1, BadDisk::overlookFailures)),
    FLUSHES_ONE_LEG(
            "a flush leaves out a leg of a mirror", Level.RAID1, onDisk(0, BadDisk::skipFlushes)),
    FLUSHES_SOME_MEMBERS(
            "a flush leaves out a member of a linear volume",
            Level.LINEAR,
            onDisk(0, BadDisk::skipFlushes)),
    IS_OFF_BY_A_CHUNK(
            "a stripe maps to the chunk before",
            Level.RAID0,
            onDisk(0, PlantedBug::oneChunkTooEarly));

    private final String what;
    private final Level level;
    private final Planting planting;

    PlantedBug(String what, Level level, Planting planting) {
        this.what = what;
        this.level = level;
        this.planting = planting;
    }

    /// What the code with this bug does.
    String what() {
        return what;
    }

    Level level() {
        return level;
    }

    /// How many seeds, from `from` on, it takes until one shows wrong bytes, and not just a request
    /// that failed or a start that was refused.
    ///
    /// @param atMost how many are tried
    /// @return 0 if none of them does
    int seedsUntilFound(long from, int atMost) {
        for (int i = 0; i < atMost; i++) {
            SimulationRun run = SimulationRun.of(level, from + i, planting);
            if (!run.isKept() && run.broken().getMessage().startsWith("sector")) {
                return i + 1;
            }
        }
        return 0;
    }

    private static Planting onDisk(int bad, BadDisk.Bug bug) {
        return new Planting() {
            @Override
            public BlockDevice disk(int index, BlockDevice disk) {
                return index == bad ? new BadDisk(disk, bug) : disk;
            }
        };
    }

    private static void oneChunkTooEarly(BlockDevice disk, IoRequest request, Completion done) {
        long chunk = SimulatedStripe.CHUNK_BYTES;
        long offset = request.offsetBytes();
        boolean isBeyond = offset >= chunk && !(request instanceof IoRequest.Flush);
        disk.submit(isBeyond ? request.at(offset - chunk) : request, done);
    }
}
