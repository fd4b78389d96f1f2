package org.unifiedvolume.raid.simulation;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceStatus.State;
import org.unifiedvolume.raid.Rig;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.testkit.DiskFault;
import org.unifiedvolume.testkit.EventLog;
import org.unifiedvolume.testkit.FaultCounts;
import org.unifiedvolume.testkit.SimulatedDisk;
import org.unifiedvolume.testkit.SimulatedDisk.Faults;
import org.unifiedvolume.testkit.VolumeModel;
import org.unifiedvolume.testkit.VolumeModel.Change;

/// One run: a volume over simulated disks lives several lives, is used, ends by closing, a kill or
/// a power cut, and must keep the promises that `docs/safety.md` states and [VolumeModel] checks.
/// All of it follows from a seed.
final class VolumeSimulation {
    static final int BLOCK_BYTES = 4096;
    /// The word that a refused start asks for.
    private static final Pattern WORD = Pattern.compile("write degraded: (\\S+)$");

    private static final int TORN_SECTOR_BYTES = 512;

    /// A leg has failed by then, if one does.
    private static final long LOSS_NANOS = 400_000_000;

    /// A leg that was replaced, or that returns, is being given its bytes by then.
    private static final long RETURN_NANOS = 3_000_000_000L;

    /// How long that takes in a large array.
    private static final long FILLING_NANOS = 300_000_000;

    private static final long QUIET_NANOS = 16_000_000_000L;

    private final SimulatedHost host;
    private final SimulatedArray array;
    private final Random random;
    private final Rig rig;
    private final VolumeModel model;
    private final Administrator administrator;
    private List<SimulatedDisk.Snapshot> backup;

    /// What of that which may be lost could not be read at the last look.
    private final BitSet unreadable = new BitSet();

    private boolean hasCrashed;
    private BlockDevice device;

    /// How many sectors were seen to be there so far.
    private int sectors;

    /// What the last crash cut off: changes that were not durable.
    private List<Change> cutOff = List.of();

    private int lives;
    private int requests;

    VolumeSimulation(
            Level level,
            long seed,
            Planting.Seed planting,
            Rig rig,
            FaultCounts counts,
            EventLog log) {
        // Neighbouring seeds would begin alike.
        this.random = new Random(seed * 0x9E3779B97F4A7C15L);
        Random variety = new Random(~seed * 0x9E3779B97F4A7C15L);
        this.rig = rig;
        this.host = new SimulatedHost(rig, random, variety, planting.plant(rig.time), counts, log);
        host.setMisfortune(new Random((seed + 1) * 0xD1342543DE82EF95L));
        this.array = level.on(host);
        this.administrator = new Administrator(host, array);
        int sectorBytes = host.disks().getFirst().size().sectorBytes();
        this.model =
                new VolumeModel(
                        Math.toIntExact(array.mostBytes() / BLOCK_BYTES), BLOCK_BYTES, sectorBytes);
        this.sectors = Math.toIntExact(array.sizeBytes() / BLOCK_BYTES);
    }

    /// How many sectors there are now. What a volume that has grown holds where nobody has written
    /// is not known.
    private int sectors() {
        int now = Math.toIntExact(device.shape().sizeBytes() / BLOCK_BYTES);
        if (now > sectors) {
            Change unknown = model.discard(sectors, now - sectors);
            model.forsake(unknown);
            model.acknowledged(unknown, false);
            sectors = now;
        }
        return sectors;
    }

    /// The size of a disk of so many blocks; some disks write sectors that are smaller than blocks.
    static SimulatedDisk.Size someSize(Random random, int blocks) {
        int sectorBytes = random.nextInt(4) == 0 ? TORN_SECTOR_BYTES : BLOCK_BYTES;
        return new SimulatedDisk.Size((long) blocks * BLOCK_BYTES, BLOCK_BYTES, sectorBytes);
    }

    /// What has to be kept.
    Promises promises() {
        return array.promises();
    }

    /// How often the volume was started so far.
    int lives() {
        return lives;
    }

    /// How many requests clients have made so far.
    int requests() {
        return requests;
    }

    /// What resyncs have moved so far.
    ResyncWatch.Totals resynced() {
        return array.resynced();
    }

    /// Lives all lives.
    ///
    /// @throws AssertionError if a promise was broken
    void run() throws IOException {
        int uses = 2 + random.nextInt(3);
        Set<SimulatedDisk> missing = Set.of();
        for (int use = 0; use < uses; use++) {
            start(missing, use == 0);
            verify();
            if (use == 0 && host.isLarge()) {
                rig.time.advance(QUIET_NANOS); // until nothing is dirty any more
            }
            missing = use();
        }
        start(missing, false);
        verify();
        host.disks().forEach(SimulatedDisk::mend);
        rig.time.advance(QUIET_NANOS); // until every job has ended
        array.checkAgreement(device);
        verify();
        device.close();
        rig.time.runUntilIdle();
    }

    private void start(Set<SimulatedDisk> missing, boolean isNew) throws IOException {
        lives++;
        for (SimulatedDisk disk : host.disks()) {
            disk.setFaults(Faults.NONE);
            disk.setOffline(false);
            if (array.promises().tolerance() == 0) {
                disk.mend(); // else nobody could read all of it
            }
        }
        host.log().note("volume", "start %d, missing %s", lives, names(missing));
        host.startProcess();
        try {
            device = array.start(missing, isNew);
            missing.forEach(_ -> host.counts().count(DiskFault.MISSING));
        } catch (IOException e) {
            // Who is missing may have gone on, and so may who was set back: that it was not so is
            // sure only to who looks from outside.
            if (missing.isEmpty() && !hasCrashed) {
                throw new AssertionError(
                        "an array with all its disks was refused: " + e.getMessage(), e);
            }
            host.log().note("volume", "refused: %s", e.getMessage());
            host.startProcess();
            device = missing.isEmpty() ? vouched(e) : startWithAll();
        }
    }

    private BlockDevice startWithAll() throws IOException {
        try {
            return array.start(Set.of(), false);
        } catch (IOException e) {
            host.log().note("volume", "refused: %s", e.getMessage());
            host.startProcess();
            return vouched(e);
        }
    }

    /// Nobody else has used the disks, and the user says so, with the word that he is asked for.
    private BlockDevice vouched(IOException refusal) throws IOException {
        Matcher asked = WORD.matcher(refusal.getMessage());
        if (!asked.find()) {
            throw new AssertionError(
                    "an array with all its disks was refused: " + refusal.getMessage(), refusal);
        }
        return array.startDegraded(asked.group(1));
    }

    private static List<String> names(Set<SimulatedDisk> disks) {
        return disks.stream().map(SimulatedDisk::name).toList();
    }

    /// Uses the volume until it ends somehow.
    ///
    /// @return which disks will be missing when it starts again
    private Set<SimulatedDisk> use() throws IOException {
        FaultPlan plan = new FaultPlan(host, array, device);
        if (array.isInDoubt(device)) {
            cutOff.forEach(model::forsakeLate);
        }
        long forgotten = host.counts().of(DiskFault.FORGET);
        SimulatedClients clients =
                new SimulatedClients(
                        host,
                        array.forClients(device),
                        model,
                        this::sectors,
                        lives == 1,
                        plan.isStrict(),
                        array.losses());
        plan.begin();
        clients.start(60 + random.nextInt(100));
        administrator.begin(device, plan);
        if (host.variety().nextInt(host.isLarge() ? 2 : 8) == 0) {
            // Long enough that bits of the bitmap are cleared, to be set again.
            clients.finish();
            rig.time.advance(QUIET_NANOS);
            clients.start(20 + random.nextInt(40));
        }
        boolean inOrder = random.nextInt(4) == 0;
        if (inOrder) {
            clients.finish();
            rig.time.advance(random.nextLong(4_000_000_000L));
        } else if (random.nextBoolean()) {
            rig.time.advance(random.nextLong(400_000_000));
        } else {
            await(State.FAULTED, LOSS_NANOS);
            rig.time.advance(random.nextLong(40_000_000));
        }
        if (!inOrder && host.isLarge() && host.variety().nextBoolean()) {
            await(State.REBUILDING, RETURN_NANOS);
            rig.time.advance(host.variety().nextLong(FILLING_NANOS));
        }
        plan.end();
        array.checkLife();
        requests += clients.asked();
        if (inOrder) {
            close(); // which may lose legs, too
        }
        Set<SimulatedDisk> bad = FaultPlan.badDisks(host, array, device);
        // Two lost legs may have been seen last where one disk is.
        boolean isCounted = !FaultPlan.isAmbiguous(device);
        int spare = isCounted ? array.promises().tolerance() - bad.size() : 0;
        Set<SimulatedDisk> missing = someMissing(bad, spare);
        Set<SimulatedDisk> setBack = missing.isEmpty() ? someSetBack(bad, spare) : Set.of();
        hasCrashed = !inOrder;
        if (!inOrder) {
            boolean losesLegs = !(bad.isEmpty() && missing.isEmpty() && setBack.isEmpty());
            // To a leg that has lost its cache the power was cut, whatever becomes of this host.
            boolean legLostPower = host.counts().of(DiskFault.FORGET) > forgotten;
            crash(clients, losesLegs, legLostPower);
        }
        changeDisks(setBack, !missing.isEmpty());
        return missing;
    }

    /// Runs time until one more leg is in a state, but not for ever: the moments after that are the
    /// ones in which an array can lose what it has acknowledged.
    private void await(State state, long nanos) {
        long until = rig.time.nanoTime() + nanos;
        long before = legsIn(state);
        while (rig.time.nanoTime() < until && legsIn(state) <= before && rig.time.step()) {
            // each step does the work
        }
    }

    private long legsIn(State state) {
        return device.status().children().stream().filter(leg -> leg.state() == state).count();
    }

    // --- ends of lives
    // -----------------------------------------------------------------------------

    private void close() {
        host.log().note("volume", "is closed");
        device.close();
        rig.time.runUntilIdle();
        model.processEnds();
        host.disks().forEach(SimulatedDisk::processEnds);
    }

    /// @param losesLegs whether the array will have lost legs, too
    /// @param legLostPower whether one has lost its cache, which nothing durable may say yet
    private void crash(SimulatedClients clients, boolean losesLegs, boolean legLostPower) {
        boolean hasPower = random.nextInt(3) == 0;
        host.counts().count(hasPower ? DiskFault.KILL : DiskFault.POWER_CUT);
        host.log().note("volume", hasPower ? "is killed" : "loses power");
        clients.die();
        boolean isVolatileLost = !hasPower || legLostPower;
        cutOff = isVolatileLost ? model.volatileOnes() : model.unanswered();
        if (losesLegs || array.losesLegsLate()) {
            cutOff.stream().filter(array::mayGarble).forEach(model::forsake);
        }
        for (SimulatedDisk disk : host.disks()) {
            if (hasPower) {
                disk.processEnds();
            } else {
                disk.powerCut();
            }
        }
        host.killProcess();
        array.processEnded();
        rig.time.runUntilIdle();
        if (hasPower && !legLostPower) {
            model.processEnds();
        } else {
            model.powerCut();
        }
    }

    /// Disks that will not be there: never so many that those with flaws could not be helped.
    private Set<SimulatedDisk> someMissing(Set<SimulatedDisk> bad, int spare) {
        boolean hasFlaws = bad.stream().anyMatch(FaultPlan::isFlawed);
        if (!array.promises().bears(DiskFault.MISSING) || random.nextInt(4) > 0) {
            return Set.of();
        }
        List<SimulatedDisk> from = new ArrayList<>(host.disks());
        if (hasFlaws && spare <= 0) {
            from.retainAll(bad);
        }
        return Set.of(from.get(random.nextInt(from.size())));
    }

    private Set<SimulatedDisk> someSetBack(Set<SimulatedDisk> bad, int spare) {
        Set<SimulatedDisk> chosen = new LinkedHashSet<>();
        if (backup == null || random.nextInt(3) > 0) {
            return chosen;
        }
        List<SimulatedDisk> from = new ArrayList<>(host.disks());
        from.removeAll(bad);
        for (int i = 0; i < spare; i++) {
            chosen.add(from.remove(random.nextInt(from.size())));
        }
        return chosen;
    }

    /// What happens to disks while no process uses them.
    private void changeDisks(Set<SimulatedDisk> setBack, boolean someWillBeMissing) {
        Promises promises = array.promises();
        for (SimulatedDisk disk : setBack) {
            disk.restore(backup.get(host.disks().indexOf(disk)));
        }
        if (!setBack.isEmpty()) {
            backup = null; // swapped or changed meanwhile, it would be another disk's
        } else if (promises.bears(DiskFault.SET_BACK) && random.nextBoolean()) {
            backup = host.disks().stream().map(SimulatedDisk::snapshot).toList();
        }
        boolean maySwap = promises.bears(DiskFault.SWAP) && !someWillBeMissing;
        if (maySwap && host.disks().size() > 1 && random.nextInt(4) == 0) {
            List<SimulatedDisk> from = new ArrayList<>(host.disks());
            from.removeIf(disk -> !array.isWritten(disk));
            SimulatedDisk one = from.remove(random.nextInt(from.size()));
            one.swap(from.get(random.nextInt(from.size())));
            backup = null;
        }
    }

    // --- checks
    // ------------------------------------------------------------------------------------

    /// With disks that answer every promise can be checked: all is readable, allowed, and stays as
    /// it was found, even where it was never acknowledged.
    private void verify() {
        int step = 1 + random.nextInt(16);
        int all = sectors();
        unreadable.clear();
        for (int first = 0; first < all; first += step) {
            int count = Math.min(step, all - first);
            if (model.isTouched(first, count) || random.nextInt(16) == 0) {
                verifyAll(first, count);
            }
        }
        array.losses().settle(device, unreadable);
    }

    private void verifyAll(int first, int count) {
        if (!array.losses().touch(first, count)) {
            verify(first, count);
            return;
        }
        for (int sector = first; sector < first + count; sector++) {
            if (!array.losses().has(sector) || isReadable(sector)) {
                verify(sector, 1);
            } else {
                unreadable.set(sector);
            }
        }
    }

    /// Whether a sector that may be lost is not.
    private boolean isReadable(int sector) {
        long offset = (long) sector * BLOCK_BYTES;
        IoTag tag = rig.tag(device, Operation.READ, offset, BLOCK_BYTES);
        Outcome outcome = rig.call(device, new IoRequest.Read(tag, offset, BLOCK_BYTES));
        outcome.discard();
        if (outcome instanceof Outcome.Failed(DeviceFault fault)
                && fault.kind() != DeviceFault.Kind.IO) {
            throw new AssertionError("what is lost is no I/O error: " + fault.getMessage());
        }
        return outcome.isSuccess();
    }

    private void verify(int first, int count) {
        byte[] before = null;
        // Where there is one copy only, it cannot disagree.
        int rounds = array.promises().tolerance() == 0 ? 1 : 3;
        for (int round = 0; round < rounds; round++) {
            long began = model.begin();
            byte[] found = rig.read(device, (long) first * BLOCK_BYTES, count * BLOCK_BYTES);
            model.check(began, first, found);
            if (before != null && !Arrays.equals(before, found)) {
                throw new AssertionError(
                        "sector %d reads differently the second time, and nobody wrote to it"
                                .formatted(first + Arrays.mismatch(before, found) / BLOCK_BYTES));
            }
            before = found;
        }
        // While an array lacks a leg that may differ, the loss of another may show other bytes.
        if (device.status().state() == State.ONLINE) {
            model.pin(first, before);
        }
    }
}
