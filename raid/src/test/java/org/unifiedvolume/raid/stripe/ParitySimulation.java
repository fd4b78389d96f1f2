package org.unifiedvolume.raid.stripe;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.raid.geometry.ParityGeometry;
import org.unifiedvolume.raid.parity.Parity;
import org.unifiedvolume.raid.parity.ParityKernels;
import org.unifiedvolume.raid.redundant.EngineRig;
import org.unifiedvolume.raid.redundant.LegState;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.testkit.SimulatedDisk;
import org.unifiedvolume.testkit.TestProcess;
import org.unifiedvolume.testkit.VirtualTime;

/// One array with parity on simulated disks over several lives: changes at once, legs that fail and
/// return, power cuts at any moment, legs that are lost in them. Everything follows from the seed.
final class ParitySimulation {
    /// What may be wrong with the code under test, to see whether it is found.
    enum Bug {
        NONE,
        NO_JOURNAL,
        REPLAY_SKIPPED,
        REVOKE_FORGOTTEN,
        RETIRED_UNFLUSHED
    }

    private static final int CHUNK = 4096;
    private static final int JOURNAL = 96 << 10;
    private static final int MOST_UNDER_WAY = 8;

    private final long seed;
    private final Random random;
    private final Bug bug;
    private final VirtualTime time = new VirtualTime();
    private final ParityGeometry geometry;
    private final List<SimulatedDisk> disks = new ArrayList<>();
    private final SectorModel model;
    private final LegState[] states;
    private final boolean[] isFaulty;
    private final UUID uuid = new UUID(3, 4);
    private final List<long[]> underWay = new ArrayList<>();
    private IoContext io;
    private EngineRig rig;
    private int life;
    private boolean anyFailed;
    private int changes;
    private int cuts;
    private String problem;

    ParitySimulation(long seed, Bug bug) {
        this.seed = seed;
        this.random = new Random(seed);
        this.bug = bug;
        int parities = 1 + random.nextInt(2);
        int legs = parities + 2 + random.nextInt(5 - parities);
        this.geometry = new ParityGeometry(legs, parities, CHUNK, 2 + random.nextInt(5));
        this.model = new SectorModel((int) geometry.sizeBytes());
        this.states = new LegState[legs];
        this.isFaulty = new boolean[legs];
        Arrays.fill(states, LegState.IN_SYNC);
        for (int i = 0; i < legs; i++) {
            disks.add(
                    new SimulatedDisk(
                            "m" + i,
                            (int) (JOURNAL + geometry.memberBytes()),
                            SectorModel.SECTOR,
                            random.nextBoolean() ? Locality.LOCAL : Locality.REMOTE,
                            time,
                            new Random(random.nextLong())));
        }
    }

    int changes() {
        return changes;
    }

    int cuts() {
        return cuts;
    }

    /// Lives and dies some times.
    ///
    /// @return what went wrong; null if nothing
    String run() throws Exception {
        boolean wasClean = true;
        for (int i = 0; i < 4 && problem == null; i++) {
            open(wasClean);
            if (i > 0) {
                checkAfterCut();
            }
            work(random.nextInt(600));
            if (problem == null && random.nextInt(4) == 0) {
                drain();
            }
            cut();
            wasClean = false;
        }
        if (problem == null) {
            open(false);
            checkAfterCut();
            drain();
        }
        rig.kill();
        return problem == null ? null : "seed %d, %s: %s".formatted(seed, geometryText(), problem);
    }

    private String geometryText() {
        return "raid%d over %d legs, %d stripes, life %d"
                .formatted(
                        4 + geometry.parityCount(),
                        geometry.memberCount(),
                        geometry.stripeCount(),
                        life);
    }

    private void open(boolean wasClean) throws IOException {
        life++;
        underWay.clear();
        anyFailed = false;
        io = TestProcess.simulated(time, 8 << 20);
        List<BlockDevice> devices = new ArrayList<>();
        for (SimulatedDisk disk : disks) {
            disk.setOffline(false);
            disk.setFaults(SimulatedDisk.Faults.NONE);
            Arrays.fill(isFaulty, false);
            devices.add(disk.open(io));
        }
        JournalPlace[] places = new JournalPlace[disks.size()];
        Arrays.fill(places, new JournalPlace(0, JOURNAL));
        ParityLevel level =
                new ParityLevel(
                        geometry,
                        new Parity(ParityKernels.loops()),
                        bug == Bug.NO_JOURNAL ? null : journal(places));
        boolean replays = bug != Bug.REPLAY_SKIPPED;
        rig = new EngineRig(time, io, devices, states, level, JOURNAL, !wasClean);
        rig.begin(wasClean || !replays);
    }

    private Journal journal(JournalPlace[] places) {
        return new Journal(uuid, places, geometry.parityCount(), geometry.memberBytes()) {
            @Override
            boolean counts(long row, long endRow) {
                return bug != Bug.REVOKE_FORGOTTEN && super.counts(row, endRow);
            }

            @Override
            void left(JournalChange change) {
                super.left(change);
                if (bug == Bug.RETIRED_UNFLUSHED) {
                    flushed(flushBegins());
                }
            }
        };
    }

    private void work(int steps) {
        for (int i = 0; i < steps && problem == null; i++) {
            if (random.nextInt(3) == 0 && underWay.size() < MOST_UNDER_WAY) {
                ask();
            }
            if (random.nextInt(150) == 0) {
                loseLeg();
            }
            if (random.nextInt(100) == 0) {
                returnLeg(false);
            }
            time.step();
        }
    }

    private boolean isHealthy() {
        for (int i = 0; i < states.length; i++) {
            if (!rig.isComplete(i)) {
                return false;
            }
        }
        return true;
    }

    /// How many legs are complete and can be reached.
    private int goodCount() {
        int count = 0;
        for (int i = 0; i < states.length; i++) {
            count += rig.isComplete(i) && !disks.get(i).isOffline() && !isFaulty[i] ? 1 : 0;
        }
        return count;
    }

    private void loseLeg() {
        int role = random.nextInt(states.length);
        if (goodCount() > geometry.dataCount()
                && rig.isComplete(role)
                && !disks.get(role).isOffline()
                && !isFaulty[role]) {
            switch (random.nextInt(4)) {
                case 0 -> rig.drop(role);
                case 1 -> disks.get(role).setOffline(true);
                case 2 -> setFaulty(role, new SimulatedDisk.Faults(0.3, 0, 0, 0, 0, 0));
                default -> setFaulty(role, new SimulatedDisk.Faults(0.1, 0.2, 0.2, 0, 0, 0));
            }
        }
    }

    private void setFaulty(int role, SimulatedDisk.Faults faults) {
        disks.get(role).setFaults(faults);
        isFaulty[role] = !faults.equals(SimulatedDisk.Faults.NONE);
    }

    private void returnLeg(boolean isAtRest) {
        for (int role = 0; role < states.length; role++) {
            // Who has not been missed yet stays away: its last failures are still on their way.
            if (rig.savedStates()[role] == LegState.STALE || isAtRest) {
                disks.get(role).setOffline(false);
                setFaulty(role, SimulatedDisk.Faults.NONE);
                rig.readd(role);
            }
        }
    }

    private void ask() {
        int sectors = (int) geometry.sizeBytes() / SectorModel.SECTOR;
        int from = random.nextInt(sectors);
        int length = 1 + random.nextInt(random.nextInt(4) == 0 ? sectors - from : 12);
        length = Math.min(length, sectors - from);
        int kind = random.nextInt(20);
        long stripe = geometry.stripeBytes();
        if (random.nextInt(5) == 0) {
            // Whole stripes are what the journal does not hold.
            from = (int) (random.nextInt((int) geometry.stripeCount()) * stripe / 512);
            length = (int) stripe / 512;
        }
        int offset = from * 512;
        int bytes = length * 512;
        if (kind == 0) {
            flush();
        } else if (kind < 5) {
            read(offset, bytes);
        } else {
            change(offset, bytes, kind < 7);
        }
    }

    private IoTag tag(Operation operation, long offset, long length) {
        return new IoTag(
                io.ids().next(), 0, operation, Locality.MIXED, offset, length, 1, time.nanoTime());
    }

    private void flush() {
        int[] marks = model.flushBegins();
        int bornIn = life;
        rig.array()
                .submit(
                        new IoRequest.Flush(tag(Operation.FLUSH, 0, 0)),
                        (_, outcome) -> {
                            if (bornIn == life && outcome.isSuccess()) {
                                model.flushed(marks);
                                trace("flushed");
                            }
                        });
    }

    private boolean overlapsOthers(long offset, long end) {
        for (long[] range : underWay) {
            if (offset < range[1] && range[0] < end) {
                return true;
            }
        }
        return false;
    }

    private void change(int offset, int length, boolean isZero) {
        if (overlapsOthers(offset, offset + length)) {
            return;
        }
        changes++;
        long[] range = {offset, offset + length};
        underWay.add(range);
        byte[] bytes = new byte[length];
        if (!isZero) {
            random.nextBytes(bytes);
        }
        int number = changes;
        trace("change " + number + " of " + length + " bytes at " + offset + ", zero " + isZero);
        long stripe = geometry.stripeBytes();
        model.begin(
                offset,
                bytes,
                (offset + stripe - 1) / stripe * stripe,
                (offset + length) / stripe * stripe,
                isHealthy());
        Durability durability = random.nextInt(6) == 0 ? Durability.DURABLE : Durability.VOLATILE;
        Buffers source = isZero ? null : payload(bytes);
        IoRequest request =
                isZero
                        ? new IoRequest.Zero(
                                tag(Operation.ZERO, offset, length),
                                offset,
                                length,
                                true,
                                false,
                                durability)
                        : new IoRequest.Write(
                                tag(Operation.WRITE, offset, length), offset, source, durability);
        int bornIn = life;
        rig.array()
                .submit(
                        request,
                        (_, outcome) -> {
                            if (source != null) {
                                source.release();
                            }
                            if (bornIn == life) {
                                trace("change " + number + ": " + outcome);
                                underWay.remove(range);
                                anyFailed |= !outcome.isSuccess();
                                model.end(
                                        offset,
                                        length,
                                        outcome.isSuccess(),
                                        durability == Durability.DURABLE,
                                        isHealthy());
                            }
                        });
    }

    private Buffers payload(byte[] bytes) {
        Buffers source = io.pool().allocate(bytes.length);
        source.copyFrom(0, java.lang.foreign.MemorySegment.ofArray(bytes), 0, bytes.length);
        return source;
    }

    private void read(int offset, int length) {
        if (overlapsOthers(offset, offset + length)) {
            return;
        }
        int bornIn = life;
        long[] range = {offset, offset + length};
        underWay.add(range); // no change comes in between
        rig.array()
                .submit(
                        new IoRequest.Read(tag(Operation.READ, offset, length), offset, length),
                        (_, outcome) -> {
                            if (outcome instanceof Outcome.Data(Buffers found)) {
                                byte[] bytes = found.toBytes();
                                found.release();
                                if (bornIn == life) {
                                    check(offset, bytes, "while running");
                                }
                            } else if (bornIn == life) {
                                fail("a read failed: " + outcome);
                            }
                            if (bornIn == life) {
                                underWay.remove(range);
                            }
                        });
    }

    private static final boolean TRACES = Boolean.getBoolean("trace");

    private void trace(String what) {
        if (TRACES) {
            System.out.println(time.nanoTime() / 1000 + " " + what);
        }
    }

    private void fail(String what) {
        problem = problem == null ? what : problem;
    }

    private void check(int offset, byte[] bytes, String when) {
        for (int at = 0; at < bytes.length; at += 512) {
            byte[] certain = model.certain((offset + at) / 512);
            byte[] found = Arrays.copyOfRange(bytes, at, at + 512);
            if (certain != null && !Arrays.equals(certain, found)) {
                fail(
                        "%s, sector %d is not what was written: %s, not %s"
                                .formatted(
                                        when,
                                        (offset + at) / 512,
                                        SectorModel.which(found),
                                        SectorModel.which(certain)));
                return;
            }
        }
    }

    private byte[] readAll() {
        byte[][] all = new byte[1][];
        rig.array()
                .submit(
                        new IoRequest.Read(
                                tag(Operation.READ, 0, geometry.sizeBytes()),
                                0,
                                geometry.sizeBytes()),
                        (_, outcome) -> {
                            if (outcome instanceof Outcome.Data(Buffers found)) {
                                all[0] = found.toBytes();
                                found.release();
                            } else {
                                fail("reading everything failed: " + outcome);
                            }
                        });
        while (all[0] == null && problem == null && time.step()) {
            // each step does the work
        }
        return all[0];
    }

    private void checkAfterCut() {
        byte[] found = readAll();
        if (found == null) {
            return;
        }
        for (int sector = 0; sector < found.length / 512; sector++) {
            String wrong =
                    model.crashed(
                            sector,
                            Arrays.copyOfRange(found, sector * 512, (sector + 1) * 512),
                            lostInCut);
            if (wrong != null) {
                fail("after the power cut: " + wrong + ", legs " + Arrays.toString(states));
                return;
            }
        }
    }

    private boolean lostInCut;

    /// Everything ends, all legs come back, and each holds what it should.
    private void drain() {
        for (int i = 0; i < 8; i++) {
            returnLeg(i > 0);
            time.advance(20_000_000_000L);
        }
        if (!underWay.isEmpty()) {
            fail("%d requests were never answered".formatted(underWay.size()));
        }
        byte[] content = readAll();
        if (content == null) {
            return;
        }
        check(0, content, "at rest");
        byte[][] expected = ExpectedLegs.of(geometry, content);
        for (int i = 0; i < states.length && !anyFailed; i++) {
            byte[] view = disks.get(i).view();
            if (!rig.isComplete(i)) {
                fail("leg %d did not come back".formatted(i));
            } else if (!Arrays.equals(
                    expected[i], 0, expected[i].length, view, JOURNAL, view.length)) {
                int at =
                        Arrays.mismatch(
                                expected[i], 0, expected[i].length, view, JOURNAL, view.length);
                fail("leg %d does not fit at row %d".formatted(i, at));
            }
        }
        if (io.pool().outstandingBytes() != 0) {
            AssertionError leak = new AssertionError("leak");
            io.pool().leaks().stream().limit(2).forEach(leak::addSuppressed);
            throw leak;
        }
    }

    /// The power goes; perhaps legs do not survive it.
    private void cut() {
        cuts++;
        trace("cut");
        life++;
        model.cut(isHealthy());
        rig.kill();
        System.arraycopy(rig.savedStates(), 0, states, 0, states.length);
        disks.forEach(SimulatedDisk::powerCut);
        lostInCut = false;
        int complete = 0;
        for (LegState state : states) {
            complete += state == LegState.IN_SYNC ? 1 : 0;
            lostInCut |= state != LegState.IN_SYNC;
        }
        for (int i = 0; i < states.length; i++) {
            if (states[i] == LegState.IN_SYNC
                    && complete > geometry.dataCount()
                    && random.nextInt(states.length) == 0) {
                states[i] = LegState.STALE;
                lostInCut = true;
                complete--;
            }
        }
        trace("now " + Arrays.toString(states));
    }
}
