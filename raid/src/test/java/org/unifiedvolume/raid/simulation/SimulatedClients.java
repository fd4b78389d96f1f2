package org.unifiedvolume.raid.simulation;

import java.util.Random;
import java.util.function.IntSupplier;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.raid.Rig;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.testkit.EventLog;
import org.unifiedvolume.testkit.VolumeModel;
import org.unifiedvolume.testkit.VolumeModel.Change;

/// Those who use a simulated volume: several requests at once, many of them for the same few
/// sectors.
final class SimulatedClients {
    private static final int MAX_UNDER_WAY = 8;
    private static final int MAX_SECTORS = 12;
    private static final long PAUSE_NANOS = 4_000_000;

    /// One of so many requests is for anywhere; in large arrays it leaves most regions alone.
    private static final int SPREAD = 4;

    private static final int LARGE_SPREAD = 32;

    /// One of so many requests is followed by a series of writes.
    private static final int SERIES = 64;

    private static final int MOST_SERIES_SECTORS = 24;

    private final Rig rig;
    private final BlockDevice array;
    private final VolumeModel model;
    private final IntSupplier sectors;
    private final Random random;

    /// For what is rare, so that all else stays as it was for a seed.
    private final Random variety;

    private final boolean isStrict;
    private final PossibleLosses losses;
    private final int hotSector;
    private final int spread;
    private final EventLog log;
    private int left;
    private int asked;
    private int underWay;
    private boolean dead;

    /// @param sectors how many there are now
    /// @param isFirst whether there is nothing on the volume yet
    /// @param isStrict whether every request must succeed
    /// @param losses but for what may be lost
    SimulatedClients(
            SimulatedHost host,
            BlockDevice array,
            VolumeModel model,
            IntSupplier sectors,
            boolean isFirst,
            boolean isStrict,
            PossibleLosses losses) {
        this.rig = host.rig();
        this.log = host.log();
        this.array = array;
        this.model = model;
        this.sectors = sectors;
        this.random = host.random();
        this.variety = host.variety();
        this.isStrict = isStrict;
        this.losses = losses;
        this.spread = host.isLarge() && !isFirst ? LARGE_SPREAD : SPREAD;
        this.hotSector = random.nextInt(sectors.getAsInt() - 2 * MAX_SECTORS);
    }

    void start(int requests) {
        left = requests;
        rig.time.execute(this::next);
    }

    /// How many requests were made so far.
    int asked() {
        return asked;
    }

    /// The process of the volume ends; what it still answers nobody hears.
    void die() {
        dead = true;
    }

    /// Runs until every request is answered.
    void finish() {
        while (left > 0 || underWay > 0) {
            if (!rig.time.step()) {
                throw new AssertionError(underWay + " requests were never answered");
            }
        }
    }

    private void next() {
        if (dead || left == 0) {
            return;
        }
        if (underWay < MAX_UNDER_WAY) {
            left--;
            underWay++;
            asked++;
            submitOne();
            if (variety.nextInt(SERIES) == 0) {
                writeSeries();
            }
        }
        rig.time.after(random.nextLong(PAUSE_NANOS), this::next);
    }

    /// Writes one after another without waiting, as who copies a file does.
    private void writeSeries() {
        int piece = 1 << variety.nextInt(3);
        int count = 2 + variety.nextInt(MOST_SERIES_SECTORS / piece);
        int places = sectors.getAsInt() / piece - count;
        if (places <= 0) {
            return;
        }
        int first = variety.nextInt(places) * piece;
        underWay += count;
        asked += count;
        for (int i = 0; i < count; i++) {
            write(model.write(first + i * piece, piece));
        }
    }

    private void submitOne() {
        // Mostly short: what is copied to and fro is what a run costs.
        int count = 1 + random.nextInt(random.nextInt(4) == 0 ? MAX_SECTORS : 3);
        int first =
                random.nextInt(spread) == 0
                        ? random.nextInt(sectors.getAsInt() - count)
                        : hotSector + random.nextInt(MAX_SECTORS);
        int kind = random.nextInt(100);
        if (kind < 40) {
            write(model.write(first, count));
        } else if (kind < 45) {
            Change change = model.zero(first, count);
            IoTag tag = tag(Operation.ZERO, first, count);
            array.submit(
                    new IoRequest.Zero(
                            tag,
                            offset(first),
                            offset(count),
                            random.nextBoolean(),
                            false,
                            Durability.VOLATILE),
                    ending(change, Durability.VOLATILE));
        } else if (kind < 50) {
            Change change = model.discard(first, count);
            IoTag tag = tag(Operation.DISCARD, first, count);
            array.submit(
                    new IoRequest.Discard(tag, offset(first), offset(count), Durability.VOLATILE),
                    ending(change, Durability.VOLATILE));
        } else if (kind < 58) {
            flush();
        } else {
            read(first, count);
        }
    }

    private void write(Change change) {
        Durability durability = random.nextInt(8) == 0 ? Durability.DURABLE : Durability.VOLATILE;
        IoRequest.Write write = rig.writeOf(array, offset(change.first()), model.bytes(change));
        array.submit(
                new IoRequest.Write(write.tag(), write.offsetBytes(), write.source(), durability),
                ending(change, durability));
    }

    private Completion ending(Change change, Durability durability) {
        long submitted = rig.time.nanoTime();
        return (asked, outcome) -> {
            if (dead) {
                return;
            }
            underWay--;
            note(asked, change, durability, outcome);
            switch (outcome) {
                case Outcome.Failed(DeviceFault fault) -> {
                    checkMayFail(fault, losses.mayFailChange(change.first(), change.count()));
                    // A part of it may have timed out, whatever other part is told of.
                    long took = rig.time.nanoTime() - submitted;
                    model.failed(change, took >= SimulatedHost.DEADLINE_NANOS);
                }
                case Outcome.Done _ -> model.acknowledged(change, durability == Durability.DURABLE);
                case Outcome other -> throw new AssertionError("a change answered " + other);
            }
        };
    }

    private void note(IoRequest asked, Change change, Durability durability, Outcome outcome) {
        if (log.isOn()) {
            log.note(
                    "client",
                    "%s sectors %d+%d, change %d%s: %s",
                    asked.tag().operation(),
                    change.first(),
                    change.count(),
                    change.value(),
                    durability == Durability.DURABLE ? ", durably" : "",
                    outcome instanceof Outcome.Failed(DeviceFault fault)
                            ? fault.getMessage()
                            : "done");
        }
    }

    private void flush() {
        long began = model.begin();
        array.submit(
                new IoRequest.Flush(rig.tag(array, Operation.FLUSH, 0, 0)),
                (_, outcome) -> {
                    if (dead) {
                        return;
                    }
                    underWay--;
                    if (outcome instanceof Outcome.Failed(DeviceFault fault)) {
                        log.note("client", "FLUSH: %s", fault.getMessage());
                        checkMayFail(fault, false);
                    } else {
                        log.note("client", "FLUSH: done");
                        model.flushed(began);
                    }
                });
    }

    private void read(int first, int count) {
        long began = model.begin();
        IoTag tag = tag(Operation.READ, first, count);
        array.submit(
                new IoRequest.Read(tag, offset(first), offset(count)),
                (_, outcome) -> {
                    if (dead) {
                        outcome.discard();
                        return;
                    }
                    underWay--;
                    switch (outcome) {
                        case Outcome.Failed(DeviceFault fault) ->
                                checkMayFail(fault, losses.touch(first, count));
                        case Outcome.Data(var buffers) -> {
                            byte[] found = buffers.toBytes();
                            buffers.release();
                            log.note("client", "READ sectors %d+%d: done", first, count);
                            model.check(began, first, found);
                        }
                        case Outcome other -> throw new AssertionError("a read answered " + other);
                    }
                });
    }

    private void checkMayFail(DeviceFault fault, boolean mayBeLost) {
        if (isStrict && !mayBeLost) {
            throw new AssertionError(
                    "a request failed though enough legs are good: " + fault.getMessage());
        }
    }

    private long offset(int sectors) {
        return (long) sectors * VolumeSimulation.BLOCK_BYTES;
    }

    private IoTag tag(Operation operation, int first, int count) {
        return rig.tag(array, operation, offset(first), offset(count));
    }
}
