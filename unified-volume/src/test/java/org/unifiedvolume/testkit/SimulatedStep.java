package org.unifiedvolume.testkit;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.Extent;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Discard;
import org.unifiedvolume.request.IoRequest.Flush;
import org.unifiedvolume.request.IoRequest.Locate;
import org.unifiedvolume.request.IoRequest.Prefetch;
import org.unifiedvolume.request.IoRequest.Read;
import org.unifiedvolume.request.IoRequest.Write;
import org.unifiedvolume.request.IoRequest.Zero;
import org.unifiedvolume.request.Outcome;

/// One request on its way through a simulated disk: it takes effect at one moment and is answered
/// at a later one.
final class SimulatedStep {
    private static final long DELAY_NANOS = 2_000_000;

    private final SimulatedDisk disk;
    private final IoRequest request;
    private final Completion done;
    private final IoContext context;
    private final int bornIn;
    private final int changesBefore;
    private final int departuresBefore;
    private Outcome outcome = Outcome.Done.DONE;

    SimulatedStep(SimulatedDisk disk, IoRequest request, Completion done, IoContext context) {
        this.disk = disk;
        this.request = request;
        this.done = done;
        this.context = context;
        this.bornIn = disk.life();
        this.changesBefore = disk.medium().changes();
        this.departuresBefore = disk.departures();
    }

    void start() {
        disk.underWay().add(this);
        Random random = disk.random();
        SimulatedDisk.Faults faults = disk.faults();
        long delay = 1 + random.nextLong(DELAY_NANOS);
        if (faults.slowNanos() > 0) {
            delay += random.nextLong(faults.slowNanos());
        }
        if (faults.hangs() > 0 && random.nextDouble() < faults.hangs()) {
            delay += faults.hangNanos();
            disk.count(DiskFault.HANG);
            note("hangs");
        }
        if (faults.disconnects() > 0 && random.nextDouble() < faults.disconnects()) {
            disk.leave();
        }
        disk.time().after(delay, this::effect);
    }

    private void effect() {
        if (bornIn != disk.life()) {
            return; // was answered when its life ended
        }
        disk.underWay().remove(this);
        Random random = disk.random();
        double errorRate = errorRate();
        // What was under way when the disk left fails, also if the disk is back by then.
        if (disk.isOffline() || disk.departures() != departuresBefore) {
            if (random.nextBoolean()) {
                takeEffectPartly();
            }
            fail(DeviceFault.Kind.DISCONNECTED, "gone");
            disk.goneWasTold();
        } else if (errorRate > 0 && random.nextDouble() < errorRate) {
            if (random.nextBoolean()) {
                takeEffectPartly();
            }
            fail(DeviceFault.Kind.IO, "medium error");
            countError();
        } else {
            takeEffect();
        }
        if (request instanceof Read) {
            answer();
        } else {
            disk.time().after(random.nextLong(DELAY_NANOS), this::answer);
        }
    }

    void answer() {
        if (bornIn != disk.life()) {
            fail(DeviceFault.Kind.DISCONNECTED, "gone");
        } else {
            note(outcome instanceof Outcome.Failed ? "fails" : "done");
        }
        done.complete(request, outcome);
    }

    private double errorRate() {
        SimulatedDisk.Faults faults = disk.faults();
        return switch (request) {
            case Read _, Locate _ -> faults.readErrors();
            case Write _, Zero _, Discard _ -> faults.writeErrors();
            case Flush _ -> faults.flushErrors();
            case Prefetch _ -> 0;
        };
    }

    private void countError() {
        disk.count(
                switch (request) {
                    case Read _, Locate _, Prefetch _ -> DiskFault.READ_ERROR;
                    case Write _, Zero _, Discard _ -> DiskFault.WRITE_ERROR;
                    case Flush _ -> DiskFault.FLUSH_ERROR;
                });
    }

    private void fail(DeviceFault.Kind kind, String what) {
        outcome.discard();
        outcome =
                Outcome.failed(
                        kind,
                        disk.name()
                                + ": "
                                + what
                                + ", "
                                + request.tag().operation()
                                + " at offset "
                                + request.offsetBytes());
    }

    private void note(String what) {
        if (disk.log().isOn()) {
            disk.log()
                    .note(
                            disk.name(),
                            "%s %d+%d %s",
                            request.tag().operation(),
                            request.offsetBytes(),
                            request.lengthBytes(),
                            what);
        }
    }

    private void takeEffect() {
        switch (request) {
            case Read read -> read(read);
            case Locate locate -> outcome = locate(locate);
            case Write write -> change(sectors(write.source()), write.durability(), true);
            case Zero zero -> change(zeroes(), zero.durability(), false);
            case Discard _ -> discard();
            case Flush _ -> disk.medium().flush(changesBefore);
            case Prefetch _ -> {}
        }
    }

    /// Any of the sectors may be left out; nobody will be answered with success.
    void takeEffectPartly() {
        switch (request) {
            case Write write -> changePartly(sectors(write.source()));
            case Zero _, Discard _ -> changePartly(zeroes());
            case Read _, Locate _, Flush _, Prefetch _ -> {}
        }
    }

    private int first() {
        return (int) (request.offsetBytes() / disk.size().sectorBytes());
    }

    private int count() {
        return (int) (request.lengthBytes() / disk.size().sectorBytes());
    }

    private byte[][] zeroes() {
        return new byte[count()][];
    }

    private byte[][] sectors(Buffers source) {
        int sectorBytes = disk.size().sectorBytes();
        byte[] all = source.toBytes();
        byte[][] sectors = new byte[all.length / sectorBytes][];
        for (int i = 0; i < sectors.length; i++) {
            sectors[i] = Arrays.copyOfRange(all, i * sectorBytes, (i + 1) * sectorBytes);
        }
        return sectors;
    }

    private void change(byte[][] sectors, Durability durability, boolean mayLie) {
        boolean isDurable = durability == Durability.DURABLE;
        disk.countWritten(request.lengthBytes());
        DiskFault lie = mayLie ? disk.nextLie() : null;
        if (lie == null) {
            disk.medium().apply(first(), sectors, isDurable, false);
            return;
        }
        disk.count(lie);
        note(
                "is told to have been done, but is a "
                        + (lie == DiskFault.LOST_WRITE ? "lost" : "misdirected")
                        + " write");
        disk.medium().pretend(first(), sectors, isDurable);
        if (lie == DiskFault.MISDIRECTED_WRITE) {
            int room = disk.medium().sectorCount() - sectors.length;
            int elsewhere =
                    room == 0 ? 0 : (first() + 1 + disk.random().nextInt(room)) % (room + 1);
            disk.medium().apply(elsewhere, sectors, isDurable, true);
        }
    }

    /// What is discarded reads as zeroes or as before, block by block.
    private void discard() {
        disk.countWritten(request.lengthBytes());
        int blockSectors = disk.size().blockBytes() / disk.size().sectorBytes();
        for (int at = 0; at < count(); at += blockSectors) {
            if (disk.random().nextBoolean()) {
                disk.medium().apply(first() + at, new byte[blockSectors][], false, false);
            }
        }
    }

    private void changePartly(byte[][] sectors) {
        BitSet kept = new BitSet();
        for (int i = 0; i < sectors.length; i++) {
            if (disk.random().nextBoolean()) {
                kept.set(i);
                disk.medium().apply(first() + i, new byte[][] {sectors[i]}, false, false);
            }
        }
        disk.medium().countTears(kept, first(), sectors.length, disk.counts());
    }

    private void read(Read read) {
        int spoiled = disk.medium().firstUnreadable(first(), count());
        if (spoiled >= 0) {
            fail(DeviceFault.Kind.IO, "sector " + spoiled + " is unreadable");
            disk.count(DiskFault.READ_ERROR);
            return;
        }
        Buffers target = context.pool().allocate(read.lengthBytes());
        if (target == null) {
            fail(DeviceFault.Kind.NO_MEMORY, "the pool is spent");
            return;
        }
        disk.countRead(read.lengthBytes());
        int sectorBytes = disk.size().sectorBytes();
        for (int i = 0; i < count(); i++) {
            byte[] sector = disk.medium().sector(first() + i);
            if (sector == null) {
                target.zero((long) i * sectorBytes, sectorBytes);
            } else {
                target.copyFrom(
                        (long) i * sectorBytes, MemorySegment.ofArray(sector), 0, sectorBytes);
            }
        }
        outcome = new Outcome.Data(target);
    }

    private Outcome locate(Locate locate) {
        int blockBytes = disk.size().blockBytes();
        int blockSectors = blockBytes / disk.size().sectorBytes();
        List<Extent> extents = new ArrayList<>();
        for (long at = 0; at < locate.lengthBytes(); at += blockBytes) {
            int sector = first() + (int) (at / disk.size().sectorBytes());
            boolean isZero = true;
            for (int i = 0; i < blockSectors; i++) {
                isZero &= isZero(disk.medium().sector(sector + i));
            }
            extents.add(new Extent(blockBytes, isZero ? Extent.Kind.ZERO : Extent.Kind.DATA));
        }
        return new Outcome.Located(extents);
    }

    private static boolean isZero(byte[] sector) {
        return sector == null
                || (sector[0] == 0
                        && Arrays.equals(sector, 0, sector.length - 1, sector, 1, sector.length));
    }
}
