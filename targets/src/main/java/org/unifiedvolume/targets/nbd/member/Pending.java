package org.unifiedvolume.targets.nbd.member;

import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Extent;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.targets.nbd.wire.Nbd;
import org.unifiedvolume.transport.ProtocolFault;

/// One request on its way to the server and back, over one link or, after a loss, over another.
///
/// What has arrived of its answer belongs to the link that it is on at the time.
final class Pending {
    private final IoRequest request;
    private final Completion done;
    private final long enteredNanos;

    /// Whether the request repeats a write from before the connections were lost.
    private final boolean isReplay;

    /// The number under which the server answers it on its present link.
    long cookie;

    /// How many of the writes acknowledged so far a flush covers; see [UnflushedWrites#mark].
    long flushMark;

    private ReadAssembly assembly;
    private List<Extent> extents;
    private DeviceFault fault;

    Pending(IoRequest request, Completion done, long enteredNanos, boolean isReplay) {
        this.request = request;
        this.done = done;
        this.enteredNanos = enteredNanos;
        this.isReplay = isReplay;
    }

    IoRequest request() {
        return request;
    }

    long enteredNanos() {
        return enteredNanos;
    }

    boolean isReplay() {
        return isReplay;
    }

    int command() {
        return switch (request) {
            case IoRequest.Read _ -> Nbd.CMD_READ;
            case IoRequest.Write _ -> Nbd.CMD_WRITE;
            case IoRequest.Zero _ -> Nbd.CMD_WRITE_ZEROES;
            case IoRequest.Discard _ -> Nbd.CMD_TRIM;
            case IoRequest.Flush _ -> Nbd.CMD_FLUSH;
            case IoRequest.Prefetch _ -> Nbd.CMD_CACHE;
            case IoRequest.Locate _ -> Nbd.CMD_BLOCK_STATUS;
        };
    }

    /// Whether it may still be sent; see [Completion#isAwaited].
    boolean isAwaited() {
        return done.isAwaited();
    }

    void complete(Outcome outcome) {
        done.complete(request, outcome);
    }

    /// A piece of a read has arrived; null stands for a hole. Takes over one reference.
    ///
    /// @return false if it lies outside the request or over another piece
    boolean addPiece(long offset, long length, Buffers piece) {
        if (assembly == null) {
            assembly = new ReadAssembly(request.offsetBytes(), request.lengthBytes());
        }
        return assembly.add(offset, length, piece);
    }

    /// Whether extents have arrived: a server tells of each context once.
    boolean hasExtents() {
        return extents != null;
    }

    void addExtent(long length, Extent.Kind kind) {
        if (extents == null) {
            extents = new ArrayList<>();
        }
        extents.add(new Extent(length, kind));
    }

    /// Notes that the server reported an error; the first one counts.
    void fail(DeviceFault newFault) {
        if (fault == null) {
            fault = newFault;
        }
    }

    /// The outcome, now that the answer is complete.
    ///
    /// @throws ProtocolFault if the server left out what was asked for
    Outcome outcome(BufferPool pool) throws ProtocolFault {
        if (fault != null) {
            DeviceFault first = fault;
            reset();
            return new Outcome.Failed(first);
        }
        return switch (request) {
            case IoRequest.Read _ -> {
                if (assembly == null || !assembly.isComplete()) {
                    throw new ProtocolFault("NBD_CMD_READ", "an answer that lacks bytes");
                }
                Buffers bytes = assembly.join(pool);
                yield bytes == null
                        ? Outcome.failed(DeviceFault.Kind.NO_MEMORY, "the buffer pool is spent")
                        : new Outcome.Data(bytes);
            }
            case IoRequest.Locate locate -> new Outcome.Located(within(locate, extents));
            case IoRequest.Write _,
                    IoRequest.Zero _,
                    IoRequest.Discard _,
                    IoRequest.Flush _,
                    IoRequest.Prefetch _ ->
                    Outcome.Done.DONE;
        };
    }

    /// Cuts extents to the range asked for; a server may tell of more.
    private static List<Extent> within(IoRequest.Locate locate, List<Extent> told)
            throws ProtocolFault {
        if (told == null) {
            throw new ProtocolFault("NBD_CMD_BLOCK_STATUS", "an answer without extents");
        }
        List<Extent> kept = new ArrayList<>();
        long left = locate.lengthBytes();
        for (Extent extent : told) {
            if (left > 0) {
                kept.add(new Extent(Math.min(left, extent.lengthBytes()), extent.kind()));
                left -= Math.min(left, extent.lengthBytes());
            }
        }
        return kept;
    }

    /// Forgets what has arrived: the link was lost, and the request starts anew.
    void reset() {
        if (assembly != null) {
            assembly.release();
            assembly = null;
        }
        extents = null;
        fault = null;
    }
}
