package org.unifiedvolume.targets.file;

import java.io.IOException;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.buffer.FileRange;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceShape.Ability;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.linux.Errno;
import org.unifiedvolume.linux.FileCalls;
import org.unifiedvolume.linux.IoVector;
import org.unifiedvolume.linux.SharedDescriptor;
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

/// A regular file or a block device as a member.
///
/// On the calling thread it does only what the kernel promises not to wait for: anything on a
/// filesystem in memory, elsewhere what `RWF_NOWAIT` finds in the page cache. The rest waits
/// elsewhere: with the kernel, through the ring of the calling loop, or on the device's own threads
/// ([LaneChoice]).
///
/// After a failed flush the device answers every further flush with that failure until it is opened
/// anew: the kernel drops the pages it could not write, so a later `fdatasync` that succeeds says
/// nothing about them.
public final class FileDevice implements BlockDevice {
    private static final Logger LOG = LoggerFactory.getLogger(FileDevice.class);

    /// Shorter reads are copied: to send them by reference costs more than the copy.
    private static final long REFER_BYTES = 64 * 1024;

    /// Longer reads are copied by a worker: the loop has others to serve.
    private static final long LOOP_BYTES = 4L << 20;

    private static final int MAX_EXTENTS = 1024;
    private static final long CLOSE_NANOS = 10_000_000_000L;

    private final String name;
    private final OpenFile file;
    private final SharedDescriptor descriptor;
    private final FileTransfers transfers;
    private final FileSpace space;
    private final DeviceShape shape;
    private final IoContext context;
    private final LocalLane lane;
    private final LaneChoice choice;
    private final ConcurrentHashMap<LoopRing, RingShare> shares = new ConcurrentHashMap<>();
    private final boolean direct;
    private final boolean triesReads;
    private final Instant opened = Instant.now();
    private volatile DeviceFault lostFlush;
    private volatile Instant lostSince;
    private final UseCount uses = new UseCount();
    private final AtomicBoolean closed = new AtomicBoolean();

    private FileDevice(FileOptions options, OpenFile file, IoContext context) {
        this.name = "file:" + options.path();
        this.file = file;
        this.context = context;
        this.descriptor = new SharedDescriptor(file.fd());
        this.transfers = new FileTransfers(name, file, context.pool());
        this.space = new FileSpace(name, file);
        this.lane = new WorkerLane(options.path().getFileName().toString(), options.workers());
        this.choice = options.lane();
        this.direct = options.direct();
        this.triesReads = !direct;
        Set<Ability> abilities = EnumSet.of(Ability.LOCATE);
        if (!options.readOnly()) {
            abilities.addAll(
                    EnumSet.of(Ability.WRITE, Ability.DISCARD, Ability.FAST_ZERO, Ability.FLUSH));
            if (!direct) {
                abilities.add(Ability.DRAIN);
            }
        }
        this.shape =
                new DeviceShape(
                        file.sizeBytes(),
                        file.blockBytes(),
                        Math.max(4096, file.blockBytes()),
                        DeviceShape.UNLIMITED_TRANSFER_BYTES,
                        options.direct() ? file.blockBytes() : 1,
                        abilities);
    }

    /// Opens a local member and takes its lock. Blocks for as long as the filesystem does.
    ///
    /// @throws IOException naming the path, what is wrong and what to do
    public static FileDevice open(FileOptions options, IoContext context) throws IOException {
        return new FileDevice(options, OpenFile.open(options), context);
    }

    @Override
    public DeviceShape shape() {
        return shape;
    }

    @Override
    public Locality locality(Operation operation, long offsetBytes, long lengthBytes) {
        return Locality.LOCAL;
    }

    @Override
    public DeviceStatus status() {
        DeviceStatus online =
                DeviceStatus.online(
                        name, "file", opened, Locality.LOCAL, shape.sizeBytes(), List.of());
        DeviceFault lost = lostFlush;
        return lost == null
                ? online
                : online.as(
                        DeviceStatus.State.FAULTED,
                        lost.getMessage(),
                        lostSince,
                        "check the disk, then open the member anew");
    }

    @Override
    public void submit(IoRequest request, Completion done) {
        if (!uses.enter()) {
            done.complete(request, Outcome.failed(DeviceFault.Kind.STOPPING, name + " is closed"));
            return;
        }
        switch (request) {
            case Read read -> read(read, done);
            case Write write -> write(write, done);
            case Zero zero -> change(zero, done);
            case Discard discard -> change(discard, done);
            case Flush flush -> {
                if (file.inMemory()) {
                    end(flush, done, flush());
                } else {
                    flushSlowly(flush, done);
                }
            }
            case Prefetch prefetch -> prefetch(prefetch, done);
            case Locate locate -> locate(locate, done);
        }
    }

    /// Answers a request that needs the descriptor no more.
    void end(IoRequest request, Completion done, Outcome outcome) {
        uses.leave();
        done.complete(request, outcome);
    }

    /// The ring of the calling loop, or null if this kind of request is not for it or if there is
    /// none.
    private LoopRing ringIf(boolean chosen) {
        return chosen ? LoopRing.current() : null;
    }

    private RingShare share(LoopRing ring) {
        RingShare share = shares.get(ring);
        return share != null ? share : shares.computeIfAbsent(ring, _ -> new RingShare());
    }

    private void read(Read read, Completion done) {
        if (read.mayRefer() && read.lengthBytes() >= REFER_BYTES && isCached(read)) {
            end(read, done, refer(read));
            return;
        }
        Buffers target = context.pool().allocate(read.lengthBytes());
        if (target == null) {
            end(
                    read,
                    done,
                    Outcome.failed(
                            DeviceFault.Kind.NO_MEMORY, name + ": the buffer pool is spent"));
            return;
        }
        boolean isForWorkers = read.lengthBytes() > LOOP_BYTES && choice.copiesByWorkers();
        if (isForWorkers && isCached(read)) {
            lane.run(() -> end(read, done, transfers.read(read, target, 0)));
            return;
        }
        if (file.inMemory()) {
            end(read, done, transfers.read(read, target, 0));
            return;
        }
        long already = triesReads ? transfers.readWithoutWaiting(read, target) : 0;
        if (already == read.lengthBytes()) {
            end(read, done, new Outcome.Data(target));
        } else {
            readSlowly(read, target, already, done);
        }
    }

    private void readSlowly(Read read, Buffers target, long already, Completion done) {
        LoopRing ring = ringIf(choice.readsByRing());
        if (ring == null) {
            lane.run(() -> end(read, done, transfers.read(read, target, already)));
        } else {
            ring.start(new RingRead(this, file, read, target, already, done), share(ring));
        }
    }

    /// Whether the bytes can be sent from where they lie without waiting for a medium.
    private boolean isCached(Read read) {
        return file.inMemory()
                || (triesReads
                        && FileCalls.isCached(file.fd(), read.offsetBytes(), read.lengthBytes()));
    }

    private Outcome refer(Read read) {
        if (!descriptor.retain()) {
            return Outcome.failed(DeviceFault.Kind.STOPPING, name + " is closed");
        }
        return new Outcome.InFile(
                new FileRange(descriptor, read.offsetBytes(), (int) read.lengthBytes()));
    }

    private void write(Write write, Completion done) {
        if (file.inMemory()) {
            end(write, done, writeNow(write, 0));
            return;
        }
        long already = transfers.isDrainable(write) ? 0 : transfers.writeWithoutWaiting(write);
        if (already == write.lengthBytes()) {
            space.map().dataWritten(write.offsetBytes(), write.lengthBytes());
            end(write, done, Outcome.Done.DONE);
        } else {
            writeSlowly(write, already, done);
        }
    }

    private void writeSlowly(Write write, long already, Completion done) {
        boolean isForRing = transfers.isFit(write) && !transfers.isDrainable(write);
        LoopRing ring = ringIf(choice.writesByRing(direct) && isForRing);
        if (ring == null) {
            lane.run(() -> end(write, done, unlessGivenUp(done, () -> writeNow(write, already))));
        } else {
            write.source().retain();
            ring.start(
                    new RingWrite(this, file, write, write.source(), already, done), share(ring));
        }
    }

    /// Answers a write that took place, wholly, in part or not at all.
    void written(Write write, Completion done, Outcome outcome) {
        space.map().dataWritten(write.offsetBytes(), write.lengthBytes());
        end(write, done, outcome);
    }

    private Outcome writeNow(Write write, long already) {
        Outcome outcome = transfers.write(write, already);
        space.map().dataWritten(write.offsetBytes(), write.lengthBytes());
        return outcome;
    }

    /// Zeroes and discards; short ones in memory at once, as they cost what a write costs.
    private void change(IoRequest request, Completion done) {
        if (file.inMemory() && request.lengthBytes() <= FileSpace.SHORT_BYTES) {
            end(request, done, changeNow(request));
        } else {
            lane.run(() -> end(request, done, unlessGivenUp(done, () -> changeNow(request))));
        }
    }

    /// A change that waited in the lane beyond its deadline is not made: newer bytes may stand
    /// there.
    private Outcome unlessGivenUp(Completion done, Supplier<Outcome> change) {
        return done.isAwaited()
                ? change.get()
                : Outcome.failed(
                        DeviceFault.Kind.TIMED_OUT, name + ": given up before it was started");
    }

    private Outcome changeNow(IoRequest request) {
        Outcome outcome =
                switch (request) {
                    case Zero zero -> space.zero(zero, transfers);
                    case Discard discard -> space.discard(discard);
                    case IoRequest other -> throw new AssertionError(other);
                };
        boolean durable =
                switch (request) {
                    case Zero zero -> zero.durability() == Durability.DURABLE;
                    case Discard discard -> discard.durability() == Durability.DURABLE;
                    case IoRequest other -> throw new AssertionError(other);
                };
        return outcome.isSuccess() && durable ? flush() : outcome;
    }

    private void flushSlowly(Flush flush, Completion done) {
        LoopRing ring = ringIf(choice.flushesByRing());
        if (ring == null) {
            lane.run(() -> end(flush, done, flush()));
        } else {
            ring.start(new RingFlush(this, file.fd(), flush, done), share(ring));
        }
    }

    private Outcome flush() {
        return lostFlush != null ? flushed(0) : flushed(FileCalls.fdatasync(file.fd()));
    }

    /// The answer to a flush that ended so.
    Outcome flushed(long result) {
        DeviceFault lost = lostFlush;
        if (lost != null) {
            return new Outcome.Failed(lost);
        }
        if (result < 0) {
            lost =
                    new DeviceFault(
                            DeviceFault.Kind.IO,
                            "%s: flushing failed (%s); writes acknowledged before may be lost, so"
                                            .formatted(name, Errno.meaning(result))
                                    + " flushes fail until the member is opened anew");
            lostSince = Instant.now();
            lostFlush = lost;
            return new Outcome.Failed(lost);
        }
        return Outcome.Done.DONE;
    }

    private void prefetch(Prefetch prefetch, Completion done) {
        if (file.inMemory() || !triesReads) {
            end(prefetch, done, Outcome.Done.DONE);
            return;
        }
        lane.run(
                () -> {
                    FileCalls.fadvise(
                            file.fd(),
                            prefetch.offsetBytes(),
                            prefetch.lengthBytes(),
                            FileCalls.POSIX_FADV_WILLNEED);
                    end(prefetch, done, Outcome.Done.DONE);
                });
    }

    private void locate(Locate locate, Completion done) {
        List<Extent> known = space.map().recall(locate.offsetBytes(), locate.lengthBytes());
        long covered = 0;
        for (Extent extent : known) {
            covered += extent.lengthBytes();
        }
        if (covered == locate.lengthBytes()) {
            end(locate, done, new Outcome.Located(known));
            return;
        }
        lane.run(() -> end(locate, done, space.locate(locate, MAX_EXTENTS)));
    }

    /// Waits for what is under way, ends the lane and closes the file, which gives up its lock. If
    /// the disk does not answer, the file stays open until the process ends.
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        LoopRing ring = shares.isEmpty() ? null : LoopRing.current();
        if (ring != null) {
            ring.settle(share(ring), CLOSE_NANOS); // nobody else can serve this loop's ring
        }
        boolean idle = uses.close(CLOSE_NANOS);
        lane.close();
        if (idle) {
            descriptor.release();
        } else {
            LOG.warn("{}: I/O is still under way, so the file is not closed", name);
        }
    }

    @Override
    public String toString() {
        return name;
    }

    /// The vector that the calling thread uses for its scatter-gather calls.
    static IoVector vector() {
        IoVector vector = VECTORS.get();
        vector.clear();
        return vector;
    }

    private static final ThreadLocal<IoVector> VECTORS =
            ThreadLocal.withInitial(() -> new IoVector(IoVector.MAX_ENTRIES));
}
