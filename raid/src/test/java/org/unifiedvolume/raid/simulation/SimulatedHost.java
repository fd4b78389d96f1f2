package org.unifiedvolume.raid.simulation;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.raid.Rig;
import org.unifiedvolume.raid.redundant.SimulatedThreads;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.testkit.EventLog;
import org.unifiedvolume.testkit.FaultCounts;
import org.unifiedvolume.testkit.SimulatedDisk;

/// The machine that a simulated volume lives on: time, chance, disks, and the threads of the
/// process that runs.
final class SimulatedHost {
    /// How long a member may take to answer.
    static final long DEADLINE_NANOS = 1_000_000_000L;

    private final Rig rig;
    private final Random random;

    /// For what was added later, so that seeds go on to mean what they meant.
    private final Random variety;

    private final boolean isLarge;
    private final Planting planting;
    private final FaultCounts counts;
    private final EventLog log;
    private final List<SimulatedDisk> disks = new ArrayList<>();
    private Random misfortune = new Random(1);
    private SimulatedThreads threads;
    private ProcessTimers timers;
    private boolean wasKilled;

    SimulatedHost(
            Rig rig,
            Random random,
            Random variety,
            Planting planting,
            FaultCounts counts,
            EventLog log) {
        this.rig = rig;
        this.random = random;
        this.variety = variety;
        this.isLarge = variety.nextInt(4) == 0;
        this.planting = planting;
        this.counts = counts;
        this.log = log;
        log.setTime(rig.time);
    }

    Rig rig() {
        return rig;
    }

    Random random() {
        return random;
    }

    /// More chance, for what is not to change what [#random] brings.
    Random variety() {
        return variety;
    }

    /// Chance for blocks that more legs cannot read than the level tolerates.
    Random misfortune() {
        return misfortune;
    }

    void setMisfortune(Random newMisfortune) {
        misfortune = newMisfortune;
    }

    /// Whether arrays on its disks have several regions in their bitmaps, and jobs several
    /// checkpoints.
    boolean isLarge() {
        return isLarge;
    }

    Planting planting() {
        return planting;
    }

    FaultCounts counts() {
        return counts;
    }

    EventLog log() {
        return log;
    }

    /// The threads of the process that runs now.
    SimulatedThreads threads() {
        return threads;
    }

    /// A new process begins.
    SimulatedThreads startProcess() {
        threads = new SimulatedThreads(rig.time);
        timers = new ProcessTimers(rig.time);
        rig.startProcess(timers, wasKilled);
        wasKilled = false;
        return threads;
    }

    /// The process that runs now ends where it is.
    void killProcess() {
        wasKilled = true;
        timers.kill();
        threads.kill();
    }

    List<SimulatedDisk> disks() {
        return disks;
    }

    /// Brings in a new disk: `disk0`, `disk1` …
    SimulatedDisk addDisk(SimulatedDisk.Size size) {
        Locality where = random.nextInt(3) == 0 ? Locality.REMOTE : Locality.LOCAL;
        SimulatedDisk disk =
                new SimulatedDisk("disk" + disks.size(), size, where, rig.time, random);
        disk.observe(counts, log);
        disks.add(disk);
        return disk;
    }

    /// A disk as a member for the process that runs now.
    LayoutMember member(SimulatedDisk disk) {
        return member(disk, disk.open(rig.io));
    }

    /// As [#member(SimulatedDisk)], with a device that somebody got between.
    LayoutMember member(SimulatedDisk disk, BlockDevice device) {
        return rig.member(disk.name(), planting.disk(disks.indexOf(disk), device), DEADLINE_NANOS);
    }

    /// A disk that is not there.
    LayoutMember missing(SimulatedDisk disk) {
        return LayoutMember.missing(disk.name(), disk.locality(), "not there");
    }
}
