package org.unifiedvolume.testkit;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceShape.Ability;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;

/// A disk on virtual time that does everything a disk may do to its users.
///
/// Requests take a while and overtake one another. A change is volatile until a flush that was
/// submitted after its answer has succeeded; a power cut loses any part of what is volatile or
/// under way, sector by sector, and sectors may be smaller than the blocks that users write. On
/// demand requests fail, with or without effect, hang for a while and take effect late, land
/// elsewhere or nowhere; sectors rot or become unreadable; the disk leaves, and comes back. The
/// medium outlives power cuts, can be set back to a [Snapshot] and moved to another disk's place;
/// each [#open] gives one process a device of it.
public final class SimulatedDisk {
    /// What a disk is like.
    ///
    /// @param blockBytes the grid that requests keep to
    /// @param sectorBytes what a power cut writes whole or not at all; divides `blockBytes`
    public record Size(long sizeBytes, int blockBytes, int sectorBytes) {}

    /// How often a disk misbehaves: probabilities for each request.
    ///
    /// @param hangNanos for how long a request that hangs is not carried out
    /// @param disconnects of leaving, with all that is under way
    public record Faults(
            double readErrors,
            double writeErrors,
            double flushErrors,
            double hangs,
            long hangNanos,
            double disconnects,
            Leave leave,
            long slowNanos,
            Lies lies) {
        public static final Faults NONE = new Faults(0, 0, 0, 0, 0, 0);

        public Faults(
                double readErrors,
                double writeErrors,
                double flushErrors,
                double hangs,
                long hangNanos,
                double disconnects) {
            this(
                    readErrors,
                    writeErrors,
                    flushErrors,
                    hangs,
                    hangNanos,
                    disconnects,
                    Leave.FOR_GOOD,
                    0,
                    Lies.NONE);
        }

        /// The same, but with requests that may take so much longer.
        public Faults slow(long nanos) {
            return new Faults(
                    readErrors,
                    writeErrors,
                    flushErrors,
                    hangs,
                    hangNanos,
                    disconnects,
                    leave,
                    nanos,
                    lies);
        }

        /// The same, but it comes back after it has left.
        public Faults returning(long awayNanos, boolean forgets) {
            return new Faults(
                    readErrors,
                    writeErrors,
                    flushErrors,
                    hangs,
                    hangNanos,
                    disconnects,
                    new Leave(awayNanos, forgets),
                    slowNanos,
                    lies);
        }

        /// The same, but with writes that go astray.
        public Faults lying(Lies newLies) {
            return new Faults(
                    readErrors,
                    writeErrors,
                    flushErrors,
                    hangs,
                    hangNanos,
                    disconnects,
                    leave,
                    slowNanos,
                    newLies);
        }
    }

    /// What a disk does after it has left.
    ///
    /// @param awayNanos it is back after so long; for good if that is [Long#MAX_VALUE]
    /// @param forgets whether it is back without what was volatile; then it stays away until
    ///     somebody was told
    public record Leave(long awayNanos, boolean forgets) {
        public static final Leave FOR_GOOD = new Leave(Long.MAX_VALUE, false);
    }

    /// Writes that go astray: probabilities for each write.
    ///
    /// @param atMost how many do, at most
    public record Lies(double misdirected, double lost, int atMost) {
        public static final Lies NONE = new Lies(0, 0, 0);
    }

    /// Everything that a disk held at one moment, as a backup has it.
    public static final class Snapshot {
        private final SimulatedMedium.Snapshot content;

        private Snapshot(SimulatedMedium.Snapshot content) {
            this.content = content;
        }
    }

    private static final int JUNK_RUNS = 8;
    private static final int JUNK_SECTORS = 16;

    private final String name;
    private final Locality locality;
    private final Size size;
    private final VirtualTime time;
    private final Random random;
    private final List<SimulatedStep> underWay = new ArrayList<>();
    private SimulatedMedium medium;
    private FaultCounts counts = new FaultCounts();
    private EventLog log = EventLog.OFF;
    private Faults faults = Faults.NONE;
    private int liesLeft;
    private boolean offline;
    private boolean toldSinceLeft;
    private boolean returnWaits;
    private int departures;
    private int life;
    private long readBytes;
    private long writtenBytes;

    /// A disk whose blocks are sectors.
    ///
    /// @param sectorBytes what a power cut writes whole or not at all; also the block size
    public SimulatedDisk(
            String name,
            long sizeBytes,
            int sectorBytes,
            Locality locality,
            VirtualTime time,
            Random random) {
        this(name, new Size(sizeBytes, sectorBytes, sectorBytes), locality, time, random);
    }

    public SimulatedDisk(
            String name, Size size, Locality locality, VirtualTime time, Random random) {
        this.name = name;
        this.size = size;
        this.locality = locality;
        this.time = time;
        this.random = random;
        this.medium = blank();
    }

    private SimulatedMedium blank() {
        return new SimulatedMedium(
                Math.toIntExact(size.sizeBytes / size.sectorBytes),
                size.sectorBytes,
                size.blockBytes / size.sectorBytes);
    }

    /// Tells somebody what happens from now on.
    public void observe(FaultCounts newCounts, EventLog newLog) {
        counts = newCounts;
        log = newLog;
    }

    public String name() {
        return name;
    }

    public Locality locality() {
        return locality;
    }

    public Size size() {
        return size;
    }

    /// How many bytes were read from it, by all its users.
    public long readBytes() {
        return readBytes;
    }

    /// How many bytes were written, zeroed or discarded, by all its users.
    public long writtenBytes() {
        return writtenBytes;
    }

    Faults faults() {
        return faults;
    }

    public void setFaults(Faults newFaults) {
        faults = newFaults;
        liesLeft = newFaults.lies.atMost;
    }

    /// How often the disk has left or come back by hand so far.
    int departures() {
        return departures;
    }

    public boolean isOffline() {
        return offline;
    }

    /// Whether every request is answered DISCONNECTED.
    public void setOffline(boolean isOffline) {
        offline = isOffline;
        departures++;
        returnWaits = false;
        log.note(name, isOffline ? "is offline" : "is online");
    }

    /// What a reader would find now.
    public byte[] view() {
        return view(0, Math.toIntExact(size.sizeBytes));
    }

    /// What a reader would find now in a range of whole sectors.
    public byte[] view(long offsetBytes, int lengthBytes) {
        byte[] all = new byte[lengthBytes];
        int first = sectorAt(offsetBytes);
        for (int i = 0; i < lengthBytes / size.sectorBytes; i++) {
            byte[] sector = medium.sector(first + i);
            if (sector != null) {
                System.arraycopy(sector, 0, all, i * size.sectorBytes, size.sectorBytes);
            }
        }
        return all;
    }

    /// A device of this disk for one process; ends with that process's life.
    public BlockDevice open(IoContext context) {
        return new Handle(context);
    }

    // --- faults of the medium
    // ---------------------------------------------------------------------

    /// A bit of the sector at an offset flips, durably, and nobody is told.
    public void rot(long offsetBytes) {
        int sector = sectorAt(offsetBytes);
        int bit = random.nextInt(8 * size.sectorBytes);
        medium.rot(sector, bit);
        counts.count(DiskFault.ROT);
        log.note(name, "bit %d of the sector at %d rots", bit, offsetBytes);
    }

    /// The sector at an offset cannot be read until it is written again.
    public void spoil(long offsetBytes) {
        medium.spoil(sectorAt(offsetBytes));
        counts.count(DiskFault.LATENT_ERROR);
        log.note(name, "the sector at %d becomes unreadable", offsetBytes);
    }

    /// The unreadable sectors are well again.
    public void mend() {
        medium.mend();
    }

    /// Whether every sector of a range can be read and holds what was written there last.
    public boolean isSound(long offsetBytes, long lengthBytes) {
        return flaws(offsetBytes, lengthBytes).isEmpty();
    }

    /// Whether a power cut could bring back something wrong that was written over since, but not
    /// durably.
    public boolean mayLieAgain() {
        return medium.mayLieAgain();
    }

    /// The sectors of a range that cannot be read, or hold something else than was written there
    /// last without anybody having been told, by their numbers on the disk.
    public BitSet flaws(long offsetBytes, long lengthBytes) {
        return medium.flaws(sectorAt(offsetBytes), sectorAt(lengthBytes));
    }

    private int sectorAt(long offsetBytes) {
        return Math.toIntExact(offsetBytes / size.sectorBytes);
    }

    /// Everything that the disk holds now. To be taken between lives.
    public Snapshot snapshot() {
        return new Snapshot(medium.snapshot());
    }

    /// Sets the disk back, as somebody does who restores a backup of it. Between lives.
    public void restore(Snapshot snapshot) {
        medium.restore(snapshot.content);
        counts.count(DiskFault.SET_BACK);
        log.note(name, "is set back");
    }

    /// Somebody puts another disk in its place, which holds something of another life here and
    /// there.
    public void renew() {
        medium = blank();
        byte[] junk = new byte[size.sectorBytes];
        random.nextBytes(junk);
        for (int i = 0; i < JUNK_RUNS; i++) {
            byte[][] run = new byte[1 + random.nextInt(JUNK_SECTORS)][];
            Arrays.fill(run, junk);
            medium.apply(random.nextInt(medium.sectorCount() - run.length), run, true, false);
        }
        log.note(name, "is another disk now");
    }

    /// Moves the medium of each disk to the other one's place. Between lives.
    public void swap(SimulatedDisk other) {
        SimulatedMedium mine = medium;
        medium = other.medium;
        other.medium = mine;
        counts.count(DiskFault.SWAP);
        log.note(name, "changes places with %s", other.name);
    }

    // --- the ends of processes
    // --------------------------------------------------------------------

    /// The power goes: what is volatile is lost, wholly, in part or not at all, and so is what was
    /// under way. Nobody is told.
    public void powerCut() {
        endLife();
        medium.powerCut(random, counts);
    }

    /// The process that used the disk is gone: what was under way takes effect or not.
    public void processEnds() {
        endLife();
    }

    /// Requests of the old life are answered nevertheless, so that what is left of it gives up the
    /// memory it holds; nothing that it still asks for is done.
    private void endLife() {
        List<SimulatedStep> cut = List.copyOf(underWay);
        underWay.clear();
        for (SimulatedStep step : cut) {
            if (random.nextBoolean()) {
                step.takeEffectPartly();
            }
        }
        life++;
        cut.forEach(SimulatedStep::answer);
    }

    // --- what steps ask for
    // ------------------------------------------------------------------------

    SimulatedMedium medium() {
        return medium;
    }

    Random random() {
        return random;
    }

    VirtualTime time() {
        return time;
    }

    int life() {
        return life;
    }

    List<SimulatedStep> underWay() {
        return underWay;
    }

    void count(DiskFault kind) {
        counts.count(kind);
    }

    FaultCounts counts() {
        return counts;
    }

    EventLog log() {
        return log;
    }

    void countRead(long bytes) {
        readBytes += bytes;
    }

    void countWritten(long bytes) {
        writtenBytes += bytes;
    }

    /// What becomes of the next write: null if it is done, else how it goes astray.
    DiskFault nextLie() {
        if (liesLeft == 0) {
            return null;
        }
        double lot = random.nextDouble();
        Lies lies = faults.lies;
        if (lot >= lies.misdirected + lies.lost) {
            return null;
        }
        liesLeft--;
        return lot < lies.misdirected ? DiskFault.MISDIRECTED_WRITE : DiskFault.LOST_WRITE;
    }

    /// The disk goes away while it is used.
    void leave() {
        if (offline) {
            return;
        }
        offline = true;
        toldSinceLeft = false;
        returnWaits = false;
        counts.count(DiskFault.LEAVE);
        log.note(name, "leaves");
        Leave leave = faults.leave;
        if (leave.awayNanos < Long.MAX_VALUE) {
            int departure = ++departures;
            int leftIn = life;
            time.after(
                    leave.awayNanos,
                    () -> {
                        if (departure == departures && leftIn == life) {
                            comeBack(leave.forgets);
                        }
                    });
        }
    }

    /// Somebody was told that the disk is gone.
    void goneWasTold() {
        toldSinceLeft = true;
        if (returnWaits) {
            returnWaits = false;
            comeBack(true);
        }
    }

    private void comeBack(boolean forgets) {
        if (forgets && !toldSinceLeft) {
            returnWaits = true;
            return;
        }
        if (forgets) {
            counts.count(DiskFault.FORGET);
            medium.powerCut(random, counts);
        }
        offline = false;
        counts.count(DiskFault.RETURN);
        log.note(name, forgets ? "comes back, and has lost its cache" : "comes back");
    }

    private final class Handle implements BlockDevice {
        private final IoContext context;
        private final int bornIn = life;
        private final DeviceShape shape =
                new DeviceShape(
                        size.sizeBytes,
                        size.blockBytes,
                        Math.max(4096, size.blockBytes),
                        DeviceShape.UNLIMITED_TRANSFER_BYTES,
                        1,
                        EnumSet.allOf(Ability.class));
        private boolean closed;

        Handle(IoContext context) {
            this.context = context;
        }

        @Override
        public DeviceShape shape() {
            return shape;
        }

        @Override
        public Locality locality(Operation operation, long offsetBytes, long lengthBytes) {
            return locality;
        }

        @Override
        public DeviceStatus status() {
            return DeviceStatus.online(
                    name, "simulated", Instant.EPOCH, locality, size.sizeBytes, List.of());
        }

        @Override
        public void submit(IoRequest request, Completion done) {
            if (!shape.holds(request.offsetBytes(), request.lengthBytes())) {
                throw new AssertionError("a request outside the disk reached it: " + request);
            }
            if (closed || bornIn != life) {
                done.complete(
                        request, Outcome.failed(DeviceFault.Kind.STOPPING, name + " is closed"));
                return;
            }
            new SimulatedStep(SimulatedDisk.this, request, done, context).start();
        }

        @Override
        public void close() {
            closed = true;
        }
    }
}
