package org.unifiedvolume.cache;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import org.unifiedvolume.buffer.Block;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.buffer.Slice;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.device.Layer;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Prefetch;
import org.unifiedvolume.request.IoRequest.Read;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;

/// Answers reads from memory where their bytes have been read before or fetched ahead.
///
/// The buffers that a read brings from below are kept by reference, and handed out by reference: a
/// hit copies nothing. Only bytes that would keep a much larger block from the pool, such as a
/// small slice of a receive buffer, are copied once when they are taken in.
///
/// ```
///   read ──► cached? ──yes──► answered
///              │ no
///              ▼
///        being fetched? ──yes──► waits for that
///              │ no
///              ▼
///            fill ──► below ──► kept, unless a change came between
/// ```
///
/// Changes go through to the device below and take what they make stale out of the cache before
/// they go; see [Shard] for the races. Nothing may change the content below but through this layer.
public final class ReadCache extends Layer {
    /// Reads are widened to this grid, so that small neighbours are fetched once.
    private static final long GRID_BYTES = 4096;

    /// What a client's hint asks for comes in reads of this length and alignment.
    private static final long PREFETCH_PIECE_BYTES = 256 * 1024;

    private final IoContext context;
    private final CacheOptions options;
    private final Shards shards;
    private final Retention retention;
    private final Readahead readahead;
    private final AtomicLong fetchingAheadBytes = new AtomicLong();
    private final LongAdder hitBytes = new LongAdder();
    private final LongAdder missBytes = new LongAdder();
    private final LongAdder aheadBytes = new LongAdder();

    public ReadCache(BlockDevice below, CacheOptions options, IoContext context) {
        this(below, options, context, Shard::new);
    }

    /// @param shard makes the shards; tests plant mistakes in them
    ReadCache(BlockDevice below, CacheOptions options, IoContext context, Supplier<Shard> shard) {
        super(below);
        this.context = context;
        this.options = options;
        this.shards = new Shards(shard);
        this.retention =
                new Retention(
                        options,
                        (segment, onlyUnread) ->
                                shards.at(segment.startBytes()).evict(segment, onlyUnread));
        this.readahead = new Readahead(options.readaheadBytes(), below.shape().sizeBytes());
        context.pool().addReclaimer(retention);
    }

    /// How many bytes of reads were answered from memory.
    public long hitBytes() {
        return hitBytes.sum();
    }

    /// How many bytes of reads came from below.
    public long missBytes() {
        return missBytes.sum();
    }

    /// How many bytes were fetched before anybody asked for them.
    public long aheadBytes() {
        return aheadBytes.sum();
    }

    /// How much pool memory the cache holds now.
    public long heldBytes() {
        return shards.all().stream().mapToLong(Shard::heldBytes).sum();
    }

    @Override
    public void submit(IoRequest request, Completion done) {
        switch (request) {
            case Read read -> read(read, done);
            case IoRequest.Write _, IoRequest.Zero _, IoRequest.Discard _ -> change(request, done);
            case Prefetch prefetch -> prefetch(prefetch, done);
            case IoRequest.Flush _, IoRequest.Locate _ -> below.submit(request, done);
        }
    }

    // --------------------------------------------------------------------------- reading

    private void read(Read read, Completion done) {
        long end = read.offsetBytes() + read.lengthBytes();
        Shard.Hit hit = shards.at(read.offsetBytes()).hit(read.offsetBytes(), end);
        if (hit == null) {
            readPieces(read, end, done);
        } else {
            hitBytes.add(read.lengthBytes());
            if (hit.readThrough()) {
                readThrough(hit.segment());
            } else {
                retention.touched(hit.segment());
            }
            done.complete(read, new Outcome.Data(hit.bytes()));
        }
        Readahead.Range next =
                readahead.observe(read.tag().client(), read.offsetBytes(), read.lengthBytes());
        if (next != null) {
            fetchAhead(read.tag(), next);
        }
    }

    private void readPieces(Read read, long end, Completion done) {
        Shard.Found found = new Shard.Found();
        long at = find(read.offsetBytes(), end, found);
        hitBytes.add(at - read.offsetBytes());
        missBytes.add(end - at);
        found.readThrough.forEach(this::readThrough);
        if (at == end) {
            found.segments.forEach(retention::touched);
            Buffers all = Buffers.concat(found.parts.toArray(Buffers[]::new));
            done.complete(read, new Outcome.Data(all));
        } else {
            readRest(new Reader(read, done, found.parts, at));
        }
    }

    private long find(long from, long to, Shard.Found found) {
        long at = from;
        while (at < to) {
            long until = Math.min(to, Shards.regionEnd(at));
            long reached = shards.at(at).find(at, until, found);
            if (reached < until) {
                return reached;
            }
            at = reached;
        }
        return at;
    }

    /// A segment that was fetched ahead and has been used takes its place among those that clients
    /// have read; unless a change has taken it away since, which the one who did could not tell the
    /// policy before.
    private void readThrough(Segment segment) {
        retention.readThrough(segment);
        forgetIfDropped(segment);
    }

    private void forgetIfDropped(Segment segment) {
        if (shards.at(segment.startBytes()).isDropped(segment)) {
            retention.removed(segment);
        }
    }

    private void readRest(Reader reader) {
        Read read = reader.read;
        long end = read.offsetBytes() + read.lengthBytes();
        if (shards.at(reader.missingFrom).join(reader.missingFrom, end, reader)) {
            return;
        }
        long from = reader.missingFrom - reader.missingFrom % GRID_BYTES;
        long to = Math.min(shape().sizeBytes(), (end + GRID_BYTES - 1) / GRID_BYTES * GRID_BYTES);
        if (to - from > options.capacityBytes() / 4 || to - from > shape().maxTransferBytes()) {
            reader.readBelow();
            return;
        }
        Fill fill = new Fill(from, to, false);
        fill.join(reader);
        start(fill, read.tag());
    }

    /// One client's read of which not all is cached.
    private final class Reader implements Fill.Waiter, Completion {
        private final Read read;
        private final Completion done;
        private final List<Buffers> head;
        private final long missingFrom;

        Reader(Read read, Completion done, List<Buffers> head, long missingFrom) {
            this.read = read;
            this.done = done;
            this.head = head;
            this.missingFrom = missingFrom;
        }

        private long missingLength() {
            return read.offsetBytes() + read.lengthBytes() - missingFrom;
        }

        @Override
        public void filled(Fill fill, Buffers all) {
            Buffers rest = all.part(missingFrom - fill.startBytes(), missingLength());
            rest.retain();
            answer(rest);
        }

        /// What somebody else wanted, or a wider range, may fail where this read does not.
        @Override
        public void failed(Fill fill, Outcome outcome) {
            boolean isWider =
                    fill.endBytes() - fill.startBytes() > missingLength()
                            && outcome instanceof Outcome.Failed(DeviceFault fault)
                            && fault.kind() == DeviceFault.Kind.IO;
            if (fill.isAhead() || isWider) {
                readBelow();
            } else {
                fail(outcome);
            }
        }

        /// Reads what is missing past the cache.
        void readBelow() {
            if (head.isEmpty()) {
                below.submit(read, done);
            } else {
                IoTag tag = childTag(read.tag(), missingFrom, missingLength());
                below.submit(new Read(tag, missingFrom, missingLength()), this);
            }
        }

        @Override
        public void complete(IoRequest request, Outcome outcome) {
            if (outcome instanceof Outcome.Data(Buffers rest)) {
                answer(rest);
            } else {
                fail(outcome);
            }
        }

        private void fail(Outcome outcome) {
            head.forEach(Buffers::release);
            done.complete(read, outcome);
        }

        private void answer(Buffers rest) {
            Buffers all = rest;
            if (!head.isEmpty()) {
                head.add(rest);
                all = Buffers.concat(head.toArray(Buffers[]::new));
            }
            done.complete(read, new Outcome.Data(all));
        }
    }

    private IoTag childTag(IoTag parent, long offset, long length) {
        return parent.child(
                context.ids().next(),
                Operation.READ,
                below.locality(Operation.READ, offset, length),
                offset,
                length);
    }

    // --------------------------------------------------------------------------- filling

    /// @param cause the request that made it necessary
    private void start(Fill fill, IoTag cause) {
        long length = fill.endBytes() - fill.startBytes();
        for (Shard shard : shards.touchedBy(fill.startBytes(), fill.endBytes())) {
            shard.fillStarts(fill);
        }
        boolean isCause =
                cause.operation() == Operation.READ
                        && cause.offsetBytes() == fill.startBytes()
                        && cause.lengthBytes() == length;
        IoTag tag = isCause ? cause : childTag(cause, fill.startBytes(), length);
        below.submit(
                new Read(tag, fill.startBytes(), length), (_, outcome) -> filled(fill, outcome));
    }

    private void filled(Fill fill, Outcome outcome) {
        Buffers all = outcome instanceof Outcome.Data(Buffers buffers) ? buffers : null;
        List<Segment> segments = all == null ? List.of() : segments(fill, all);
        List<Segment> removed = new ArrayList<>(0);
        for (Shard shard : shards.touchedBy(fill.startBytes(), fill.endBytes())) {
            List<Segment> own = segments;
            if (fill.endBytes() > Shards.regionEnd(fill.startBytes())) {
                own = new ArrayList<>(segments);
                own.removeIf(segment -> shards.at(segment.startBytes()) != shard);
            }
            shard.fillEnds(fill, own, removed);
        }
        removed.forEach(retention::removed);
        for (Segment segment : segments) {
            retention.add(segment, fill.isAhead());
            forgetIfDropped(segment);
        }
        if (fill.isAhead()) {
            fetchingAheadBytes.addAndGet(fill.startBytes() - fill.endBytes());
        }
        for (Fill.Waiter waiter : fill.end()) {
            if (all == null) {
                waiter.failed(fill, outcome);
            } else {
                waiter.filled(fill, all);
            }
        }
        if (all != null) {
            all.release();
        }
    }

    /// What to keep of the bytes that a fill brought.
    private List<Segment> segments(Fill fill, Buffers all) {
        List<Segment> segments = new ArrayList<>(all.sliceCount());
        if (fill.isSpoiled()) {
            return segments;
        }
        long at = fill.startBytes();
        for (int i = 0; i < all.sliceCount(); i++) {
            Slice slice = all.slice(i);
            if (slice.block().capacity() <= 2 * slice.length()) {
                Shards.cut(at, slice, fill.isAhead(), segments);
            } else {
                Block own = context.pool().allocateBlock((int) slice.length());
                if (own != null) {
                    Slice copy = own.slice(0, (int) slice.length());
                    copy.copyFrom(0, slice);
                    Shards.cut(at, copy, fill.isAhead(), segments);
                    own.release();
                }
            }
            at += slice.length();
        }
        return segments;
    }

    /// Fetches what is neither cached nor on its way, as far as there is room for it.
    private void fetchAhead(IoTag cause, Readahead.Range range) {
        long from = range.startBytes();
        long to = range.endBytes();
        long at = from - from % GRID_BYTES;
        while (at < to) {
            long aligned = (at / range.pieceBytes() + 1) * range.pieceBytes();
            long until = Math.min(aligned, (to + GRID_BYTES - 1) / GRID_BYTES * GRID_BYTES);
            until = Math.min(until, shape().sizeBytes());
            until = Math.min(until, at + shape().maxTransferBytes());
            if (shards.at(at).lacks(at, until)) {
                if (fetchingAheadBytes.addAndGet(until - at) > options.aheadLimitBytes()) {
                    fetchingAheadBytes.addAndGet(at - until);
                    return;
                }
                aheadBytes.add(until - at);
                start(new Fill(at, until, true), cause);
            }
            at = until;
        }
    }

    /// Takes a client's hint; a longer range than the cache would fetch on its own goes to the
    /// device below, which may have more room.
    private void prefetch(Prefetch prefetch, Completion done) {
        if (prefetch.lengthBytes() > options.readaheadBytes()) {
            below.submit(prefetch, done);
            return;
        }
        fetchAhead(
                prefetch.tag(),
                new Readahead.Range(
                        prefetch.offsetBytes(),
                        prefetch.offsetBytes() + prefetch.lengthBytes(),
                        PREFETCH_PIECE_BYTES));
        done.complete(prefetch, Outcome.Done.DONE);
    }

    // -------------------------------------------------------------------------- changing

    private void change(IoRequest request, Completion done) {
        long from = request.offsetBytes();
        long to = from + request.lengthBytes();
        Shard.Change change = new Shard.Change(from, to);
        List<Shard> touched = shards.touchedBy(from, to);
        List<Segment> removed = new ArrayList<>(0);
        List<Segment> pieces = new ArrayList<>(0);
        for (Shard shard : touched) {
            shard.changeStarts(change, removed, pieces);
        }
        removed.forEach(retention::removed);
        for (Segment piece : pieces) {
            retention.add(piece, false);
            forgetIfDropped(piece);
        }
        below.submit(
                request,
                (answered, outcome) -> {
                    for (Shard shard : touched) {
                        shard.changeEnded(change);
                    }
                    done.complete(answered, outcome);
                });
    }

    /// Gives all cached memory back and closes the device below.
    @Override
    public void close() {
        context.pool().removeReclaimer(retention);
        shards.all().forEach(Shard::close);
        retention.close();
        below.close();
    }

    @Override
    public String toString() {
        return below.toString();
    }
}
