package org.unifiedvolume.testkit;

import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceShape.Ability;
import org.unifiedvolume.device.DeviceStatus;
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
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;

/// A disk on virtual time that does everything a disk may do to its users.
///
/// Requests take a while and overtake one another. A change is volatile until a flush that was
/// submitted after its answer has succeeded; a power cut loses any part of what is volatile or
/// under way, sector by sector. On demand requests fail, with or without effect, hang for a while
/// and take effect late, or the disk is gone. The medium outlives power cuts; each [#open] gives
/// one process a device of it.
public final class SimulatedDisk {
    /// How often a disk misbehaves: probabilities for each request.
    ///
    /// @param hangNanos for how long a request that hangs is not carried out
    public record Faults(
            double readErrors,
            double writeErrors,
            double flushErrors,
            double hangs,
            long hangNanos,
            double disconnects) {
        public static final Faults NONE = new Faults(0, 0, 0, 0, 0, 0);
    }

    /// A change that has taken effect and that a power cut may lose.
    private static final class Change {
        private final long number;
        private final int offset;
        private final byte[] bytes;

        Change(long number, int offset, byte[] bytes) {
            this.number = number;
            this.offset = offset;
            this.bytes = bytes;
        }
    }

    private static final long DELAY_NANOS = 2_000_000;

    private final String name;
    private final Locality locality;
    private final int sectorBytes;
    private final VirtualTime time;
    private final Random random;
    private final byte[] view;
    private final byte[] durable;
    private final long[] durableNumbers;
    private final List<Change> unflushed = new ArrayList<>();
    private final List<Step> underWay = new ArrayList<>();
    private Faults faults = Faults.NONE;
    private boolean offline;
    private int life;
    private long changes;

    /// @param sectorBytes what a power cut writes whole or not at all; also the block size
    public SimulatedDisk(
            String name,
            int sizeBytes,
            int sectorBytes,
            Locality locality,
            VirtualTime time,
            Random random) {
        this.name = name;
        this.locality = locality;
        this.sectorBytes = sectorBytes;
        this.time = time;
        this.random = random;
        this.view = new byte[sizeBytes];
        this.durable = new byte[sizeBytes];
        this.durableNumbers = new long[sizeBytes / sectorBytes];
    }

    public String name() {
        return name;
    }

    public Locality locality() {
        return locality;
    }

    public void setFaults(Faults newFaults) {
        faults = newFaults;
    }

    public boolean isOffline() {
        return offline;
    }

    /// Whether every request is answered DISCONNECTED.
    public void setOffline(boolean isOffline) {
        offline = isOffline;
    }

    /// What a reader would find now.
    public byte[] view() {
        return view.clone();
    }

    /// A device of this disk for one process; ends with that process's life.
    public BlockDevice open(IoContext context) {
        return new Handle(context);
    }

    /// The power goes: what is volatile is lost, wholly, in part or not at all, and so is what was
    /// under way. Nobody is told.
    public void powerCut() {
        endLife();
        for (Change change : unflushed) {
            int mode = random.nextInt(3);
            for (int at = 0; at < change.bytes.length; at += sectorBytes) {
                boolean survives = mode == 0 || (mode == 1 && random.nextBoolean());
                if (survives) {
                    harden(change, at);
                }
            }
        }
        unflushed.clear();
        System.arraycopy(durable, 0, view, 0, view.length);
    }

    /// The process that used the disk is gone: what was under way takes effect or not.
    public void processEnds() {
        endLife();
    }

    /// Requests of the old life are answered nevertheless, so that what is left of it gives up the
    /// memory it holds; nothing that it still asks for is done.
    private void endLife() {
        List<Step> cut = List.copyOf(underWay);
        underWay.clear();
        for (Step step : cut) {
            if (random.nextBoolean()) {
                step.takeEffect(true);
            }
        }
        life++;
        cut.forEach(Step::answer);
    }

    private void harden(Change change, int at) {
        int sector = (change.offset + at) / sectorBytes;
        if (durableNumbers[sector] < change.number) {
            durableNumbers[sector] = change.number;
            System.arraycopy(change.bytes, at, durable, sector * sectorBytes, sectorBytes);
        }
    }

    private void apply(int offset, byte[] bytes, boolean isDurable) {
        changes++;
        System.arraycopy(bytes, 0, view, offset, bytes.length);
        Change change = new Change(changes, offset, bytes);
        if (isDurable) {
            for (int at = 0; at < bytes.length; at += sectorBytes) {
                harden(change, at);
            }
        } else {
            unflushed.add(change);
        }
    }

    /// One request on its way: it takes effect at one moment and is answered at a later one.
    private final class Step {
        private final IoRequest request;
        private final Completion done;
        private final IoContext context;
        private final int bornIn = life;
        private final long changesBefore = changes;
        private Outcome outcome = Outcome.Done.DONE;

        Step(IoRequest request, Completion done, IoContext context) {
            this.request = request;
            this.done = done;
            this.context = context;
        }

        void start() {
            underWay.add(this);
            long delay = 1 + random.nextLong(DELAY_NANOS);
            if (random.nextDouble() < faults.hangs) {
                delay += faults.hangNanos;
            }
            if (random.nextDouble() < faults.disconnects) {
                offline = true;
            }
            time.after(delay, this::effect);
        }

        private void effect() {
            if (bornIn != life) {
                return; // was answered when its life ended
            }
            underWay.remove(this);
            if (offline) {
                if (random.nextBoolean()) {
                    takeEffect(true);
                }
                fail(DeviceFault.Kind.DISCONNECTED, "gone");
            } else if (random.nextDouble() < errorRate()) {
                if (random.nextBoolean()) {
                    takeEffect(true);
                }
                fail(DeviceFault.Kind.IO, "medium error");
            } else {
                takeEffect(false);
            }
            if (request instanceof Read) {
                answer();
            } else {
                time.after(random.nextLong(DELAY_NANOS), this::answer);
            }
        }

        private void answer() {
            if (bornIn != life) {
                fail(DeviceFault.Kind.DISCONNECTED, "gone");
            }
            done.complete(request, outcome);
        }

        private double errorRate() {
            return switch (request) {
                case Read _, Locate _ -> faults.readErrors;
                case Write _, Zero _, Discard _ -> faults.writeErrors;
                case Flush _ -> faults.flushErrors;
                case Prefetch _ -> 0;
            };
        }

        private void fail(DeviceFault.Kind kind, String what) {
            outcome.discard();
            outcome =
                    Outcome.failed(
                            kind,
                            "%s: %s, %s at offset %d"
                                    .formatted(
                                            name,
                                            what,
                                            request.tag().operation(),
                                            request.offsetBytes()));
        }

        /// @param partly whether any of the sectors may be left out, and nobody will be answered
        ///     with success
        private void takeEffect(boolean partly) {
            switch (request) {
                case Read read when !partly -> read(read);
                case Locate locate when !partly -> outcome = locate(locate);
                case Write write -> change(write.source().toBytes(), write.durability(), partly);
                case Zero zero ->
                        change(new byte[(int) zero.lengthBytes()], zero.durability(), partly);
                case Discard discard ->
                        change(new byte[(int) discard.lengthBytes()], discard.durability(), true);
                case Flush _ when !partly -> flush();
                case Read _, Locate _, Flush _, Prefetch _ -> {}
            }
        }

        private void change(byte[] bytes, Durability durability, boolean partly) {
            int offset = (int) request.offsetBytes();
            boolean isDurable = durability == Durability.DURABLE && !partly;
            if (!partly) {
                apply(offset, bytes, isDurable);
                return;
            }
            for (int at = 0; at < bytes.length; at += sectorBytes) {
                if (random.nextBoolean()) {
                    apply(offset + at, Arrays.copyOfRange(bytes, at, at + sectorBytes), isDurable);
                }
            }
        }

        private void flush() {
            unflushed.removeIf(
                    change -> {
                        boolean isOld = change.number <= changesBefore;
                        for (int at = 0; isOld && at < change.bytes.length; at += sectorBytes) {
                            harden(change, at);
                        }
                        return isOld;
                    });
        }

        private void read(Read read) {
            Buffers target = context.pool().allocate(read.lengthBytes());
            if (target == null) {
                fail(DeviceFault.Kind.NO_MEMORY, "the pool is spent");
                return;
            }
            target.copyFrom(0, MemorySegment.ofArray(view), read.offsetBytes(), read.lengthBytes());
            outcome = new Outcome.Data(target);
        }

        private Outcome locate(Locate locate) {
            List<Extent> extents = new ArrayList<>();
            int end = (int) (locate.offsetBytes() + locate.lengthBytes());
            for (int at = (int) locate.offsetBytes(); at < end; at += sectorBytes) {
                boolean isZero = true;
                for (int i = at; i < at + sectorBytes; i++) {
                    isZero &= view[i] == 0;
                }
                extents.add(new Extent(sectorBytes, isZero ? Extent.Kind.ZERO : Extent.Kind.DATA));
            }
            return new Outcome.Located(extents);
        }
    }

    private final class Handle implements BlockDevice {
        private final IoContext context;
        private final int bornIn = life;
        private boolean closed;

        Handle(IoContext context) {
            this.context = context;
        }

        @Override
        public DeviceShape shape() {
            return new DeviceShape(
                    view.length,
                    sectorBytes,
                    Math.max(4096, sectorBytes),
                    DeviceShape.UNLIMITED_TRANSFER_BYTES,
                    1,
                    EnumSet.allOf(Ability.class));
        }

        @Override
        public Locality locality(Operation operation, long offsetBytes, long lengthBytes) {
            return locality;
        }

        @Override
        public DeviceStatus status() {
            return DeviceStatus.online(
                    name, "simulated", Instant.EPOCH, locality, view.length, List.of());
        }

        @Override
        public void submit(IoRequest request, Completion done) {
            if (!shape().holds(request.offsetBytes(), request.lengthBytes())) {
                throw new AssertionError("a request outside the disk reached it: " + request);
            }
            if (closed || bornIn != life) {
                done.complete(
                        request, Outcome.failed(DeviceFault.Kind.STOPPING, name + " is closed"));
                return;
            }
            new Step(request, done, context).start();
        }

        @Override
        public void close() {
            closed = true;
        }
    }
}
