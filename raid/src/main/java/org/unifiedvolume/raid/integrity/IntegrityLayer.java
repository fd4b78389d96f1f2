package org.unifiedvolume.raid.integrity;

import java.util.EnumSet;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceShape.Ability;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.device.Layer;
import org.unifiedvolume.layer.RangeQueue;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Discard;
import org.unifiedvolume.request.IoRequest.Flush;
import org.unifiedvolume.request.IoRequest.Locate;
import org.unifiedvolume.request.IoRequest.Prefetch;
import org.unifiedvolume.request.IoRequest.Read;
import org.unifiedvolume.request.IoRequest.Write;
import org.unifiedvolume.request.IoRequest.Zero;
import org.unifiedvolume.request.Outcome;

/// A member whose data carry checksums: a read whose bytes are not those that were written there
/// last fails with [DeviceFault.Kind#IO].
///
/// It has the member's offsets. What lies outside of the data passes straight through; within it
/// everything keeps to blocks of 4 KiB. A change is answered when its data and their checksums are
/// on the member; both go out together. Changes that meet in a block go one after another. A read
/// that meets a change and finds what does not fit waits for it and looks again.
public final class IntegrityLayer extends Layer {
    /// Where things lie on a member, in bytes.
    ///
    /// @param checksumsOffset where the area for checksums begins
    /// @param zeroAtFirst whether data whose checksums were never written are zeroes; else they may
    ///     be anything
    public record Places(
            long dataOffset, long dataBytes, long checksumsOffset, boolean zeroAtFirst) {}

    /// How many blocks of checksums are kept in memory: 16 MiB of them, for 16 GiB of data.
    public static final int CAPACITY = 4096;

    private static final Logger LOG = LoggerFactory.getLogger(IntegrityLayer.class);

    private final IoContext io;
    private final Places places;
    private final Doubt doubt;
    private final ChecksumArea area;
    private final DeviceShape shape;
    private final RangeQueue queue = new RangeQueue();
    private final AtomicInteger underWay = new AtomicInteger();
    private final LongAdder errors = new LongAdder();

    /// @param member whose checksums they are: another one's do not fit
    /// @param isOverdue whether the member may still carry out writes of which it was said that
    ///     they have failed
    /// @param capacity how many blocks of checksums, 4 KiB each, are kept in memory
    public IntegrityLayer(
            BlockDevice below,
            IoContext io,
            UUID member,
            Places places,
            Doubt doubt,
            BooleanSupplier isOverdue,
            int capacity) {
        super(below);
        this.io = io;
        this.places = places;
        this.doubt = doubt;
        this.area =
                new ChecksumArea(
                        below,
                        io,
                        member,
                        places.checksumsOffset,
                        places.dataBytes,
                        places.zeroAtFirst ? Checksums.ZEROES : Checksums.UNKNOWN,
                        isOverdue,
                        capacity);
        this.shape = inBlocks(below.shape());
    }

    /// The shape of a device whose requests keep to the blocks that have checksums. What is written
    /// has to be looked at, so payloads come in memory.
    public static DeviceShape inBlocks(DeviceShape shape) {
        int block = Math.max(Checksums.BLOCK_BYTES, shape.blockBytes());
        Set<Ability> abilities = EnumSet.noneOf(Ability.class);
        abilities.addAll(shape.abilities());
        abilities.remove(Ability.DRAIN);
        return new DeviceShape(
                shape.sizeBytes() - shape.sizeBytes() % block,
                block,
                Math.max(block, shape.preferredBytes()),
                shape.maxTransferBytes(),
                shape.memoryAlignmentBytes(),
                abilities);
    }

    @Override
    public DeviceShape shape() {
        return shape;
    }

    /// How many blocks were read that did not hold what was written there.
    public long errorCount() {
        return errors.sum();
    }

    /// How many requests it has not answered.
    public int underWayCount() {
        return underWay.get();
    }

    int residentCount() {
        return area.residentCount();
    }

    @Override
    public String toString() {
        return below.toString();
    }

    @Override
    public void submit(IoRequest request, Completion done) {
        if (request instanceof Flush flush) {
            flush(flush, done);
            return;
        }
        if (!isOfData(request)) {
            below.submit(request, done);
            return;
        }
        switch (request) {
            case Read read -> new CheckedRead(this, read, done).start();
            case Write write -> new CheckedWrite(this, write, done).start();
            case Zero zero -> new CheckedZero(this, zero, zero, done).start();
            case Discard discard -> discard(discard, done);
            case Locate locate -> new CheckedLocate(this, locate, done).start();
            case Prefetch prefetch -> below.submit(prefetch, done);
            case Flush _ -> throw new AssertionError(request);
        }
    }

    private boolean isOfData(IoRequest request) {
        long start = request.offsetBytes() - places.dataOffset;
        return start >= 0 && start < places.dataBytes;
    }

    /// What is discarded has to read the same on all members: it becomes zeroes where that is easy,
    /// and stays as it is elsewhere.
    private void discard(Discard discard, Completion done) {
        if (!shape.can(Ability.FAST_ZERO)) {
            done.complete(discard, Outcome.Done.DONE);
            return;
        }
        Zero zero =
                new Zero(
                        discard.tag(),
                        discard.offsetBytes(),
                        discard.lengthBytes(),
                        true,
                        false,
                        discard.durability());
        new CheckedZero(this, zero, discard, done).start();
    }

    private void flush(Flush flush, Completion done) {
        area.saveUnsaved(
                fault -> {
                    if (fault == null) {
                        below.submit(flush, done);
                    } else {
                        done.complete(flush, new Outcome.Failed(fault));
                    }
                });
    }

    /// Whether some data were never given checksums, as far as that is known without reading.
    public boolean isKnownUnproven(long offsetBytes, long lengthBytes) {
        long last = numberOf(offsetBytes + lengthBytes - 1);
        for (long number = numberOf(offsetBytes); number <= last; number++) {
            ChecksumBlock block = area.cached(number / ChecksumSectors.ENTRIES);
            int index = (int) (number % ChecksumSectors.ENTRIES);
            if (block != null && block.get(index) == Checksums.UNKNOWN) {
                return true;
            }
        }
        return false;
    }

    /// Who asks whether bytes are what was written.
    @FunctionalInterface
    public interface Judge {
        /// Told exactly once, on any thread; must not block.
        ///
        /// @param fault why that cannot be known; null if it is
        void told(boolean areRight, DeviceFault fault);
    }

    /// Whether bytes that were computed from other members are those that were written somewhere
    /// last, as far as their checksums tell.
    ///
    /// @param bytes whole blocks; kept until the answer
    public void compare(long offsetBytes, Buffers bytes, Judge judge) {
        long first = numberOf(offsetBytes);
        int[] found = area.checksums().of(first, bytes);
        BlockUse use = new BlockUse(area, first, found.length);
        use.begin(
                false,
                fault -> {
                    boolean areRight = fault == null;
                    for (int i = 0; areRight && i < found.length; i++) {
                        areRight = area.checksums().fits(first + i, use.get(first + i), found[i]);
                    }
                    if (fault == null) {
                        use.giveBack();
                    }
                    judge.told(areRight, fault);
                });
    }

    // --- what requests on their way ask for
    // --------------------------------------------------------

    BlockDevice below() {
        return below;
    }

    IoContext io() {
        return io;
    }

    ChecksumArea area() {
        return area;
    }

    RangeQueue queue() {
        return queue;
    }

    /// The number of the block of data at an offset within the member.
    long numberOf(long offset) {
        return (offset - places.dataOffset) / Checksums.BLOCK_BYTES;
    }

    static long countOf(long length) {
        return length / Checksums.BLOCK_BYTES;
    }

    void begins() {
        underWay.incrementAndGet();
    }

    /// Answers a request that [#begins].
    void answer(IoRequest request, Outcome outcome, Completion done) {
        underWay.decrementAndGet();
        done.complete(request, outcome);
    }

    boolean isDoubtful(long number) {
        return doubt.isDoubtful(number * Checksums.BLOCK_BYTES);
    }

    /// A block does not hold what was written there.
    ///
    /// @param count how many blocks of the request do not
    DeviceFault mismatch(long number, long count) {
        long offset = places.dataOffset + number * Checksums.BLOCK_BYTES;
        String problem =
                "checksum error at offset %d, in %d blocks of 4 KiB".formatted(offset, count);
        if (!isDoubtful(number)) {
            errors.add(count);
            LOG.warn("{}: {}", below, problem);
        }
        return new DeviceFault(DeviceFault.Kind.IO, below + ": " + problem);
    }
}
