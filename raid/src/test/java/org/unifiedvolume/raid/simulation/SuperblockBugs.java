package org.unifiedvolume.raid.simulation;

import java.io.IOException;
import java.util.List;
import java.util.function.UnaryOperator;
import org.unifiedvolume.device.Timers;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.raid.redundant.Level;
import org.unifiedvolume.raid.redundant.Surroundings;
import org.unifiedvolume.raid.redundant.WitnessStore;
import org.unifiedvolume.raid.superblock.Epoch;
import org.unifiedvolume.raid.superblock.MemberEntry;
import org.unifiedvolume.raid.superblock.MemberState;
import org.unifiedvolume.raid.superblock.Superblock;
import org.unifiedvolume.raid.superblock.Witness;

/// Bugs of what is written down about the state of an array, and of what is made of it.
final class SuperblockBugs {
    private SuperblockBugs() {}

    /// All states of an array have the same number.
    static final class KeepsEventCount extends MetadataBug {
        private static final long ONLY = 1;

        KeepsEventCount(Timers timers) {
            super(timers);
        }

        /// An array that is still being made stays at 0.
        private static long count(long events) {
            return Math.min(events, ONLY);
        }

        @Override
        Superblock written(Superblock it) {
            List<MemberEntry> members =
                    changed(it, entry -> known(entry, count(entry.knownEvents())));
            return copy(
                    it,
                    count(it.events()),
                    it.epoch(),
                    it.history(),
                    count(it.clearedEvents()),
                    members);
        }

        @Override
        public Surroundings surroundings(Surroundings real) {
            return withWitness(
                    real,
                    it ->
                            real.witness()
                                    .save(new Witness(it.array(), it.epoch(), count(it.events()))));
        }
    }

    /// The loss of a complete leg begins no epoch.
    static final class KeepsEpoch extends MetadataBug {
        private Epoch first;

        KeepsEpoch(Timers timers) {
            super(timers);
        }

        private Epoch only(Epoch epoch) {
            if (first == null) {
                first = epoch;
            }
            return first;
        }

        @Override
        Superblock written(Superblock it) {
            return copy(
                    it, it.events(), only(it.epoch()), List.of(), it.clearedEvents(), it.members());
        }

        @Override
        public Surroundings surroundings(Surroundings real) {
            return withWitness(
                    real,
                    it ->
                            real.witness()
                                    .save(new Witness(it.array(), only(it.epoch()), it.events())));
        }
    }

    /// The host remembers a state some time after the superblocks have it.
    static final class RemembersLate extends MetadataBug {
        private static final long LATE_NANOS = 100_000_000;

        RemembersLate(Timers timers) {
            super(timers);
        }

        @Override
        public Surroundings surroundings(Surroundings real) {
            return withWitness(real, it -> real.threads().start("late", () -> saveLate(real, it)));
        }

        private void saveLate(Surroundings real, Witness it) {
            try {
                real.threads().await(done -> timers().after(LATE_NANOS, done));
                real.witness().save(it);
            } catch (IOException e) {
                throw new AssertionError("a simulated witness does not fail", e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /// A leg that the superblocks call stale is taken for complete.
    static final class AcceptsStale extends MetadataBug {
        AcceptsStale(Timers timers) {
            super(timers);
        }

        @Override
        Superblock read(Superblock it) {
            return withMembers(
                    it,
                    changed(
                            it,
                            entry ->
                                    entry.state() == MemberState.STALE
                                            ? in(entry, MemberState.IN_SYNC)
                                            : entry));
        }
    }

    /// A leg that lacks no more than what is marked in the bitmap is taken for complete.
    static final class CountsBehind extends MetadataBug {
        CountsBehind(Timers timers) {
            super(timers);
        }

        @Override
        Superblock read(Superblock it) {
            long rows = it.array().rowBytes();
            return withMembers(
                    it,
                    changed(
                            it,
                            entry ->
                                    entry.state() == MemberState.REBUILDING
                                                    && entry.filledBytes() == rows
                                            ? in(entry, MemberState.IN_SYNC)
                                            : entry));
        }
    }

    /// A rebuild is written down to be further than it is.
    static final class IsAhead extends MetadataBug {
        private static final long AHEAD_BYTES = 4 << 20;

        IsAhead(Timers timers) {
            super(timers);
        }

        @Override
        Superblock written(Superblock it) {
            long rows = it.array().rowBytes();
            return withMembers(
                    it,
                    changed(
                            it,
                            entry ->
                                    entry.state() == MemberState.REBUILDING
                                            ? filled(
                                                    entry,
                                                    Math.min(
                                                            rows,
                                                            entry.filledBytes() + AHEAD_BYTES))
                                            : entry));
        }
    }

    /// A leg that returns is taken for one that has lost what it had.
    static final class KnowsNobody extends MetadataBug {
        private boolean isStarted;

        KnowsNobody(Timers timers) {
            super(timers);
        }

        @Override
        public Level level(Level level) {
            isStarted = false;
            return new DecoratedLevel(level) {
                @Override
                public void open(Group group, boolean wasClean)
                        throws IOException, InterruptedException {
                    super.open(group, wasClean);
                    isStarted = true;
                }
            };
        }

        @Override
        Superblock read(Superblock it) {
            List<MemberEntry> members = changed(it, entry -> known(entry, 0));
            return isStarted ? copy(it, 0, it.epoch(), it.history(), 0, members) : it;
        }
    }

    private interface Saving {
        void save(Witness witness) throws IOException;
    }

    private static Surroundings withWitness(Surroundings real, Saving saving) {
        WitnessStore store =
                new WitnessStore() {
                    @Override
                    public Witness load() throws IOException {
                        return real.witness().load();
                    }

                    @Override
                    public void save(Witness witness) throws IOException {
                        saving.save(witness);
                    }
                };
        return new Surroundings(real.threads(), store, real.randomIds(), real.nowMillis());
    }

    private static List<MemberEntry> changed(Superblock it, UnaryOperator<MemberEntry> change) {
        return it.members().stream().map(change).toList();
    }

    private static Superblock withMembers(Superblock it, List<MemberEntry> members) {
        return copy(it, it.events(), it.epoch(), it.history(), it.clearedEvents(), members);
    }

    private static MemberEntry known(MemberEntry it, long events) {
        return copy(it, it.state(), events, it.filledBytes());
    }

    private static MemberEntry in(MemberEntry it, MemberState state) {
        return copy(it, state, it.knownEvents(), it.filledBytes());
    }

    private static MemberEntry filled(MemberEntry it, long bytes) {
        return copy(it, it.state(), it.knownEvents(), bytes);
    }

    private static Superblock copy(
            Superblock it,
            long events,
            Epoch epoch,
            List<Epoch> history,
            long clearedEvents,
            List<MemberEntry> members) {
        return new Superblock(
                it.array(),
                it.member(),
                it.role(),
                it.areas(),
                events,
                epoch,
                history,
                it.updatedMicros(),
                it.clean(),
                it.primary(),
                clearedEvents,
                members);
    }

    private static MemberEntry copy(
            MemberEntry it, MemberState state, long knownEvents, long filledBytes) {
        return new MemberEntry(
                it.member(),
                it.role(),
                state,
                it.sinceMillis(),
                knownEvents,
                filledBytes,
                it.place());
    }
}
