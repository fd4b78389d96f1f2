package org.unifiedvolume.raid.simulation;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.device.DeviceStatus.State;
import org.unifiedvolume.raid.Rig;
import org.unifiedvolume.raid.array.LinearArray;
import org.unifiedvolume.raid.array.StripeArray;
import org.unifiedvolume.raid.mirror.ReadPolicy;
import org.unifiedvolume.raid.mirror.ReplicationPlan;
import org.unifiedvolume.raid.redundant.ArrayOptions;
import org.unifiedvolume.raid.redundant.ArrayStart;
import org.unifiedvolume.raid.redundant.RedundantArray;
import org.unifiedvolume.raid.redundant.SimulatedThreads;
import org.unifiedvolume.raid.redundant.SimulatedWitness;
import org.unifiedvolume.raid.redundant.Surroundings;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.testkit.SimulatedDisk;
import org.unifiedvolume.testkit.SimulatedDisk.Faults;
import org.unifiedvolume.testkit.VolumeModel;

/// One run: a volume over simulated disks lives several lives, is used, ends by closing, a kill or
/// a power cut, and must keep the promises that [VolumeModel] states. All of it follows from a
/// seed.
final class VolumeSimulation {
    private static final int SECTOR_BYTES = 4096;
    private static final int LEG_SECTORS = 160; // of data: more than two windows of a rebuild
    private static final int METADATA_SECTORS = 48; // 192 KiB before the data of a small member
    private static final int MEMBER_SECTORS = 40;
    static final int CHUNK_BYTES = 2 * SECTOR_BYTES;
    private static final long DEADLINE_NANOS = 1_000_000_000L;

    private final Level level;
    private final Random random;
    private final Planting planting;
    private final Rig rig;
    private final List<SimulatedDisk> disks = new ArrayList<>();
    private final SimulatedWitness store;
    private final VolumeModel model;
    private SimulatedThreads threads;
    private BlockDevice array;
    private int victim;
    private final boolean tens;
    private final int copies;

    VolumeSimulation(Level level, long seed, Planting planting, Rig rig) {
        this.level = level;
        // Neighbouring seeds would begin alike.
        this.random = new Random(seed * 0x9E3779B97F4A7C15L);
        this.planting = planting;
        this.rig = rig;
        this.store = new SimulatedWitness(rig.time, random);
        store.setSlowestNanos(random.nextBoolean() ? 3_000_000 : 300_000_000);
        int members = level == Level.MIRROR ? 2 + random.nextInt(2) : 1 + random.nextInt(4);
        int sectors = level == Level.MIRROR ? LEG_SECTORS : MEMBER_SECTORS;
        for (int i = 0; i < members; i++) {
            Locality where = random.nextInt(3) == 0 ? Locality.REMOTE : Locality.LOCAL;
            disks.add(
                    new SimulatedDisk(
                            "disk" + i,
                            (sectors + (level == Level.MIRROR ? METADATA_SECTORS : 0))
                                    * SECTOR_BYTES,
                            SECTOR_BYTES,
                            where,
                            rig.time,
                            random));
        }
        tens = level == Level.MIRROR && random.nextBoolean();
        copies = 2 + random.nextInt(members - (level == Level.MIRROR ? 1 : 0));
        int total = members * MEMBER_SECTORS;
        if (level == Level.MIRROR) {
            int chunkSectors = CHUNK_BYTES / SECTOR_BYTES;
            total =
                    tens
                            ? LEG_SECTORS / chunkSectors * members / copies * chunkSectors
                            : LEG_SECTORS;
        }
        this.model = new VolumeModel(total, SECTOR_BYTES);
    }

    SimulatedThreads threads() {
        return threads;
    }

    /// Lives all lives.
    ///
    /// @throws AssertionError if a promise was broken
    void run() throws IOException {
        int lives = 2 + random.nextInt(3);
        for (int life = 0; life < lives; life++) {
            start(life == 0);
            verify();
            boolean onlyOne = level == Level.MIRROR && random.nextBoolean();
            boolean isStrict = onlyOne && array.status().children().stream().allMatch(this::isGood);
            choose(onlyOne);
            SimulatedClients clients =
                    new SimulatedClients(rig, array, model, random, SECTOR_BYTES, isStrict);
            clients.start(60 + random.nextInt(100));
            repairWhileUsed(isStrict);
            if (random.nextInt(4) == 0) {
                end(clients, true);
            } else {
                if (random.nextBoolean()) {
                    rig.time.advance(random.nextLong(400_000_000));
                } else {
                    awaitLoss();
                    rig.time.advance(random.nextLong(40_000_000));
                }
                end(clients, false);
            }
        }
        start(false);
        verify();
        array.close();
        rig.time.runUntilIdle();
    }

    /// Runs time until a leg was dropped, but not for ever: the moments after that are the ones in
    /// which a mirror can lose what it has acknowledged.
    private void awaitLoss() {
        long until = rig.time.nanoTime() + 400_000_000;
        long faulted = faultedLegs();
        while (rig.time.nanoTime() < until && faultedLegs() <= faulted && rig.time.step()) {
            // each step does the work
        }
    }

    private long faultedLegs() {
        return array.status().children().stream()
                .filter(leg -> leg.state() == State.FAULTED)
                .count();
    }

    private boolean isGood(DeviceStatus leg) {
        return leg.state() == State.ONLINE || leg.state() == State.DEGRADED;
    }

    private void start(boolean isNew) throws IOException {
        threads = new SimulatedThreads(rig.time);
        store.usedBy(threads);
        int missing = -1;
        for (SimulatedDisk disk : disks) {
            disk.setFaults(Faults.NONE);
            disk.setOffline(false);
        }
        if (level == Level.MIRROR && !isNew && random.nextInt(4) == 0) {
            missing = random.nextInt(disks.size());
        }
        try {
            array = open(missing);
        } catch (IOException e) {
            if (missing < 0) {
                throw new AssertionError("a mirror with all its legs was refused", e);
            }
            // The others were stale, and the mirror was right to say so.
            threads = new SimulatedThreads(rig.time);
            store.usedBy(threads);
            array = open(-1);
        }
    }

    private BlockDevice open(int missing) throws IOException {
        List<LayoutMember> members = new ArrayList<>();
        for (int i = 0; i < disks.size(); i++) {
            SimulatedDisk disk = disks.get(i);
            members.add(
                    i == missing
                            ? LayoutMember.missing(disk.name(), disk.locality(), "not there")
                            : rig.member(
                                    disk.name(),
                                    planting.disk(i, disk.open(rig.io)),
                                    DEADLINE_NANOS));
        }
        return switch (level) {
            case LINEAR -> LinearArray.of(members, rig.context());
            case STRIPE -> StripeArray.of(members, CHUNK_BYTES, rig.context());
            case MIRROR ->
                    new ArrayStart(
                                    members,
                                    new ReplicationPlan(
                                            "v",
                                            tens ? 10 : 1,
                                            tens ? CHUNK_BYTES : 0,
                                            tens ? copies : 0,
                                            ReadPolicy.LOCAL_FIRST,
                                            List.of(),
                                            members.stream().map(LayoutMember::name).toList()),
                                    ArrayOptions.DEFAULT,
                                    rig.context(),
                                    new Surroundings(
                                            threads,
                                            store,
                                            random::nextLong,
                                            () -> rig.time.nanoTime() / 1_000_000))
                            .open();
        };
    }

    /// With healthy disks every promise can be checked: all is readable, allowed, and stays as it
    /// was found, even where it was never acknowledged.
    private void verify() {
        byte[] before = null;
        for (int round = 0; round < 3; round++) {
            byte[] all = readAll(1 + random.nextInt(32));
            if (before != null && !Arrays.equals(before, all)) {
                throw new AssertionError(
                        "sector %d reads differently the second time, and nobody wrote to it"
                                .formatted(Arrays.mismatch(before, all) / SECTOR_BYTES));
            }
            before = all;
        }
        // While a mirror lacks a leg that may differ, the loss of another may show other bytes.
        if (array.status().state() == State.ONLINE) {
            model.pin(0, before);
        }
    }

    private byte[] readAll(int step) {
        byte[] all = new byte[model.sectorCount() * SECTOR_BYTES];
        for (int first = 0; first < model.sectorCount(); first += step) {
            int count = Math.min(step, model.sectorCount() - first);
            long began = model.begin();
            byte[] found = rig.read(array, (long) first * SECTOR_BYTES, count * SECTOR_BYTES);
            model.check(began, first, found);
            System.arraycopy(found, 0, all, first * SECTOR_BYTES, found.length);
        }
        return all;
    }

    private void choose(boolean onlyOne) {
        victim = random.nextInt(disks.size());
        for (int i = 0; i < disks.size(); i++) {
            if (onlyOne ? i == victim : random.nextInt(3) == 0) {
                disks.get(i).setFaults(someFaults());
            }
        }
    }

    private Faults someFaults() {
        long hang = 500_000_000L + random.nextLong(3_000_000_000L);
        return switch (random.nextInt(6)) {
            case 0 -> new Faults(0.05, 0, 0, 0, 0, 0);
            case 1 -> new Faults(0, 0.03, 0, 0, 0, 0);
            case 2 -> new Faults(0, 0, 0.2, 0, 0, 0);
            case 3 -> new Faults(0, 0, 0, 0.02, hang, 0);
            case 4 -> new Faults(0, 0, 0, 0, 0, 0.01);
            default -> new Faults(0.02, 0.02, 0.05, 0.01, hang, 0);
        };
    }

    /// Somebody mends disks and re-adds legs, now and then, while clients go on.
    private void repairWhileUsed(boolean onlyVictim) {
        if (!(array instanceof RedundantArray mirror)) {
            return;
        }
        SimulatedThreads now = threads;
        int tries = random.nextInt(4);
        // Sometimes late enough to meet a leg that has not answered within its deadline.
        long patienceNanos = random.nextBoolean() ? 150_000_000 : 2_500_000_000L;
        now.start(
                "operator",
                () -> {
                    for (int i = 0; i < tries; i++) {
                        now.await(done -> rig.time.after(random.nextLong(patienceNanos), done));
                        operate(mirror, onlyVictim ? victim : random.nextInt(disks.size()));
                    }
                });
    }

    private void operate(RedundantArray mirror, int leg) {
        SimulatedDisk disk = disks.get(leg);
        try {
            if (random.nextInt(4) == 0) {
                mirror.fail(disk.name());
            } else {
                disk.setOffline(false);
                disk.setFaults(Faults.NONE);
                mirror.readd(disk.name(), false);
            }
        } catch (IOException e) {
            // In use, missing, or the last good one: the mirror is right to refuse.
            assert e.getMessage() != null;
        }
    }

    private void end(SimulatedClients clients, boolean inOrder) throws IOException {
        if (inOrder) {
            clients.finish();
            rig.time.advance(random.nextLong(4_000_000_000L));
            array.close();
            rig.time.runUntilIdle();
            model.processEnds();
            disks.forEach(SimulatedDisk::processEnds);
            return;
        }
        clients.die();
        boolean hasPower = random.nextInt(3) == 0;
        for (SimulatedDisk disk : disks) {
            if (hasPower) {
                disk.processEnds();
            } else {
                disk.powerCut();
            }
        }
        threads.kill();
        store.powerCut();
        rig.time.runUntilIdle();
        if (hasPower) {
            model.processEnds();
        } else {
            model.powerCut();
        }
    }
}
