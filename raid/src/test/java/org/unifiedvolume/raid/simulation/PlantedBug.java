package org.unifiedvolume.raid.simulation;

import java.util.Locale;
import org.unifiedvolume.device.BlockDevice;

/// Bugs to be planted between the parts of a volume, to show that the simulation finds such.
@SuppressWarnings("ImmutableEnumChecker") // what makes plantings holds no state
enum PlantedBug {
    ACKNOWLEDGES_EARLY(
            "a change is acknowledged before every leg has it",
            Level.RAID1,
            onDisk(1, DiskBugs::acknowledgeEarly)),
    OVERLOOKS_FAILURES(
            "a leg that failed a write goes on to be used",
            Level.RAID1,
            onDisk(1, DiskBugs::overlookFailures)),
    FLUSHES_ONE_LEG(
            "a flush leaves out a leg of a mirror", Level.RAID1, onDisk(0, DiskBugs::skipFlushes)),
    FLUSHES_SOME_MEMBERS(
            "a flush leaves out a member of a linear volume",
            Level.LINEAR,
            onDisk(0, DiskBugs::skipFlushes)),
    IS_OFF_BY_A_CHUNK(
            "a stripe maps to the chunk before",
            Level.RAID0,
            onDisk(0, DiskBugs::oneChunkTooEarly)),
    SETS_BITS_LATE(
            "a bit of the bitmap is set after the change was sent",
            Level.RAID1,
            BitmapBugs.SetsLate::new),
    CLEARS_BITS_EARLY(
            "a bit of the bitmap is cleared while a change is under way",
            Level.RAID10,
            BitmapBugs.ClearsEarly::new),
    KEEPS_EVENT_COUNT(
            "a change of states does not count as an event",
            Level.RAID1,
            SuperblockBugs.KeepsEventCount::new),
    KEEPS_EPOCH(
            "no epoch begins when a complete leg is lost",
            Level.RAID1,
            SuperblockBugs.KeepsEpoch::new),
    REMEMBERS_LATE(
            "superblocks are written before the host remembers",
            Level.RAID1,
            SuperblockBugs.RemembersLate::new),
    ACCEPTS_STALE(
            "a stale leg is accepted at a start", Level.RAID10, SuperblockBugs.AcceptsStale::new),
    COUNTS_WHAT_IS_BEHIND(
            "a leg that is behind counts as complete at a start",
            Level.RAID1_BEHIND,
            SuperblockBugs.CountsBehind::new),
    IS_AHEAD(
            "the checkpoint of a rebuild is ahead of what was copied",
            Level.RAID1,
            SuperblockBugs.IsAhead::new),
    KNOWS_NOBODY(
            "a leg that returns is copied as a whole",
            Level.RAID1,
            SuperblockBugs.KnowsNobody::new,
            ResyncWatch.TOO_MUCH),
    REPAIRS_WRONGLY(
            "a repair after a failed read writes other bytes",
            Level.RAID1,
            _ -> new LevelBugs.RepairsWrongly()),
    INVENTS_ZEROES(
            "a block that no leg can give becomes zeroes on the leg that is filled",
            Level.RAID1,
            _ -> new LevelBugs.InventsZeroes()),
    BELIEVES_WHAT_DOES_NOT_FIT(
            "a copy that does not fit its checksum is believed after a crash",
            Level.RAID1_INTEGRITY,
            _ -> new LevelBugs.BelievesWhatDoesNotFit()),
    SKIPS_REPLAY(
            "the journal is not replayed after a crash", Level.RAID5, LevelBugs.SkipsReplay::new),
    JOURNALS_LATE(
            "parity and data are written before the journal",
            Level.RAID6,
            LevelBugs.JournalsLate::new),
    RECORDS_MOVES_EARLY(
            "superblocks say that something has moved before it has",
            Level.RAID5,
            _ -> new ReshapeBugs.RecordsEarly()),
    SAVES_NO_MOVES(
            "the journal does not get what is moved over itself",
            Level.RAID5,
            ReshapeBugs.SavesNothing::new),
    OVERTAKES_READS(
            "a reshape does not wait for reads of what it writes over",
            Level.RAID6,
            _ -> new ReshapeBugs.OvertakesReads());

    /// How a message begins that tells of wrong bytes.
    private static final String WRONG_BYTES = "sector";

    private final String what;
    private final Level level;
    private final Planting.Seed seed;
    private final String finding;

    PlantedBug(String what, Level level, Planting.Seed seed) {
        this(what, level, seed, WRONG_BYTES);
    }

    /// @param finding how the message begins that tells of it
    PlantedBug(String what, Level level, Planting.Seed seed, String finding) {
        this.what = what;
        this.level = level;
        this.seed = seed;
        this.finding = finding;
    }

    /// As `--bug` has it: `keeps-epoch`.
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /// What the code with this bug does.
    String what() {
        return what;
    }

    Level level() {
        return level;
    }

    /// How many seeds, from `from` on, it takes until one shows wrong bytes, or too many that were
    /// moved, and not just a request that failed or a start that was refused. What a seed shows
    /// without the bug does not count.
    ///
    /// @param atMost how many are tried
    /// @return 0 if none of them does
    int seedsUntilFound(long from, int atMost) {
        for (int i = 0; i < atMost; i++) {
            SimulationRun run = SimulationRun.of(level, from + i, seed);
            if (!run.isKept()
                    && run.broken().getMessage().startsWith(finding)
                    && SimulationRun.of(level, from + i, Planting.Seed.NONE).isKept()) {
                return i + 1;
            }
        }
        return 0;
    }

    private static Planting.Seed onDisk(int bad, TappedDevice.Tap bug) {
        return _ ->
                new Planting() {
                    @Override
                    public BlockDevice disk(int index, BlockDevice disk) {
                        return index == bad ? new TappedDevice(disk, bug) : disk;
                    }
                };
    }
}
