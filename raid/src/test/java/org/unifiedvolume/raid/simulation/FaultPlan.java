package org.unifiedvolume.raid.simulation;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.testkit.DiskFault;
import org.unifiedvolume.testkit.SimulatedDisk;
import org.unifiedvolume.testkit.SimulatedDisk.Faults;
import org.unifiedvolume.testkit.SimulatedDisk.Lies;

/// What goes wrong in one life, and with which disks.
///
/// A *strict* life has no more bad disks than the level tolerates, those from earlier lives
/// included: then no request may fail. In others any disk may do anything that it admits; requests
/// may fail, but must not lie. As long as some hold something wrong nothing happens to others that
/// could be all that is right.
final class FaultPlan {
    private static final long MOMENT_NANOS = 200_000_000;

    private final SimulatedHost host;
    private final SimulatedArray array;
    private final BlockDevice device;
    private final Random random;
    private final List<SimulatedDisk> victims = new ArrayList<>();
    private final boolean isStrict;
    private final boolean isConfined;
    private boolean ended;

    /// Decides about a life that begins with `device` as it is now.
    FaultPlan(SimulatedHost host, SimulatedArray array, BlockDevice device) {
        this.host = host;
        this.array = array;
        this.device = device;
        this.random = host.random();
        int tolerance = array.promises().tolerance();
        Set<SimulatedDisk> bad = badDisks(host, array, device);
        boolean hasFlaws = bad.stream().anyMatch(FaultPlan::isFlawed);
        boolean isCareful =
                tolerance > 0 && !isAmbiguous(device) && (hasFlaws || random.nextBoolean());
        if (isCareful) {
            List<SimulatedDisk> good = new ArrayList<>(host.disks());
            good.removeAll(bad);
            victims.addAll(bad);
            int more = Math.min(good.size(), tolerance - bad.size());
            // Mostly as many as may be: that is where mistakes hurt.
            more = more > 1 && random.nextInt(4) == 0 ? random.nextInt(more) : more;
            for (int i = 0; i < more; i++) {
                victims.add(good.remove(random.nextInt(good.size())));
            }
        }
        isStrict = isCareful && victims.size() <= tolerance;
        isConfined = tolerance > 0 && hasFlaws;
        if (!isCareful && !isConfined) {
            host.disks().stream().filter(_ -> random.nextInt(3) == 0).forEach(victims::add);
        }
    }

    /// Whether a lost member was last seen where another one is now, so that the losses cannot be
    /// counted by disks.
    static boolean isAmbiguous(BlockDevice device) {
        Set<String> names = new HashSet<>();
        return device.status().children().stream().anyMatch(child -> !names.add(child.name()));
    }

    /// The disks that lack something or hold something wrong, in their order.
    static Set<SimulatedDisk> badDisks(
            SimulatedHost host, SimulatedArray array, BlockDevice device) {
        Set<String> incomplete = new HashSet<>();
        for (DeviceStatus leg : device.status().children()) {
            if (!array.isComplete(leg)) {
                incomplete.add(leg.name());
            }
        }
        Set<SimulatedDisk> bad = new LinkedHashSet<>();
        for (SimulatedDisk disk : host.disks()) {
            if (incomplete.contains(disk.name())
                    || isFlawed(disk)
                    || array.losses().lacksMore(device, disk.name())) {
                bad.add(disk);
            }
        }
        return bad;
    }

    static boolean isFlawed(SimulatedDisk disk) {
        return !disk.isSound(0, disk.size().sizeBytes()) || disk.mayLieAgain();
    }

    /// Whether every request must succeed.
    boolean isStrict() {
        return isStrict;
    }

    /// The disks that an administrator may take out.
    SimulatedDisk anyVictim() {
        List<SimulatedDisk> all = isStrict || isConfined ? victims : host.disks();
        return all.isEmpty() ? null : all.get(random.nextInt(all.size()));
    }

    /// Lets it begin.
    void begin() {
        host.log().note("plan", "%s: %s", isStrict ? "strict" : "lax", names());
        for (SimulatedDisk disk : victims) {
            disk.setFaults(someFaults());
            if (isStrict || array.promises().tolerance() == 0) {
                spoilSometimes(disk);
            }
        }
        if (!isStrict && !isConfined && array.promises().tolerance() > 0) {
            strikeSometimes();
        }
    }

    /// More legs cannot read a block than the level tolerates.
    private void strikeSometimes() {
        int many = host.misfortune().nextInt(3) == 0 ? 1 + host.misfortune().nextInt(3) : 0;
        for (int i = 0; i < many; i++) {
            host.rig().time.after(host.misfortune().nextLong(MOMENT_NANOS), this::strike);
        }
    }

    private void strike() {
        PossibleLosses.Stroke stroke = ended ? null : array.stroke(device);
        if (stroke == null) {
            return;
        }
        array.losses().add(stroke);
        for (PossibleLosses.Place place : stroke.places()) {
            if (host.misfortune().nextInt(8) > 0) {
                place.disk().spoil(place.offset());
            }
        }
    }

    /// The life ends: what was still to come does not.
    void end() {
        ended = true;
    }

    private List<String> names() {
        return victims.stream().map(SimulatedDisk::name).toList();
    }

    private Faults someFaults() {
        long hang = 500_000_000L + random.nextLong(3_000_000_000L);
        Faults faults =
                switch (random.nextInt(6)) {
                    case 0 -> new Faults(0.05, 0, 0, 0, 0, 0);
                    case 1 -> new Faults(0, 0.03, 0, 0, 0, 0);
                    case 2 -> new Faults(0, 0, 0.2, 0, 0, 0);
                    case 3 -> new Faults(0, 0, 0, 0.02, hang, 0);
                    case 4 -> new Faults(0, 0, 0, 0, 0, 0.01);
                    default -> new Faults(0.02, 0.02, 0.05, 0.01, hang, 0.005);
                };
        if (faults.disconnects() > 0 && random.nextInt(4) > 0) {
            // What the last good leg forgets nobody has.
            boolean forgets =
                    isStrict && array.promises().bears(DiskFault.FORGET) && random.nextBoolean();
            faults = faults.returning(random.nextLong(300_000_000), forgets);
        }
        if (random.nextInt(4) == 0) {
            faults = faults.slow(1 + random.nextLong(400_000_000));
            host.counts().count(DiskFault.SLOW);
        }
        return isStrict ? faults.lying(someLies()) : faults;
    }

    /// At most one write goes astray in a life: of a write and its checksum, not both.
    private Lies someLies() {
        Promises promises = array.promises();
        double misdirected = promises.bears(DiskFault.MISDIRECTED_WRITE) ? 0.02 : 0;
        double lost = promises.bears(DiskFault.LOST_WRITE) ? 0.02 : 0;
        return random.nextBoolean() ? new Lies(misdirected, lost, 1) : Lies.NONE;
    }

    private void spoilSometimes(SimulatedDisk disk) {
        for (DiskFault kind : List.of(DiskFault.LATENT_ERROR, DiskFault.ROT)) {
            int many = random.nextInt(3) == 0 ? 1 + random.nextInt(3) : 0;
            for (int i = 0; array.promises().bears(kind) && i < many; i++) {
                long place = array.placeForFlaw(disk, random);
                host.rig().time.after(random.nextLong(MOMENT_NANOS), () -> flaw(disk, kind, place));
            }
        }
    }

    private void flaw(SimulatedDisk disk, DiskFault kind, long place) {
        if (ended) {
            return;
        }
        if (kind == DiskFault.ROT) {
            disk.rot(place);
        } else {
            disk.spoil(place);
        }
    }
}
