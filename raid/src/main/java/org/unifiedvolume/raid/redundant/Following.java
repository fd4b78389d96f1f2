package org.unifiedvolume.raid.redundant;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.DeviceShape.Ability;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Discard;
import org.unifiedvolume.request.IoRequest.Locate;
import org.unifiedvolume.request.IoRequest.Zero;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;

/// Copies rows that have just been changed on a leg to the member that is to take its place, while
/// they are still held: what the level did to them need not be known.
///
/// Piece by piece, for one replacement after another. A piece is read from the leg and written by
/// reference; ranges that the leg knows to be zero are zeroed. Never blocks.
final class Following {
    private static final long PIECE_BYTES = 256 << 10;

    private final RedundantArray array;
    private final List<Replacement> followers;
    private final IoTag parent;
    private final boolean mayBeHoles;
    private final long startRow;
    private final long endRow;
    private final Runnable done;

    /// How many turns are to be taken: answers that come while a step is begun are one each.
    private final AtomicInteger turns = new AtomicInteger();

    private int follower;
    private long row;

    /// What is known to be zero on the leg from `row` on.
    private long zeroBytes;

    /// Whether it has been asked for holes at `row`.
    private boolean isLocated;

    /// @param request the change
    /// @param done told when all replacements hold the rows, or have been given up
    Following(
            RedundantArray array,
            List<Replacement> followers,
            IoRequest request,
            long startRow,
            long endRow,
            Runnable done) {
        this.array = array;
        this.followers = followers;
        this.parent = request.tag();
        this.mayBeHoles = request instanceof Zero || request instanceof Discard;
        this.startRow = startRow;
        this.endRow = endRow;
        this.row = startRow;
        this.done = done;
    }

    /// Begins, or goes on after an answer; answers may come before a request has been submitted.
    void run() {
        if (turns.getAndIncrement() != 0) {
            return;
        }
        do {
            step();
        } while (turns.decrementAndGet() != 0);
    }

    private void step() {
        while (follower < followers.size() && !isWanted(followers.get(follower))) {
            nextFollower();
        }
        if (follower == followers.size()) {
            done.run();
            return;
        }
        Replacement replacement = followers.get(follower);
        Leg leg = replacement.leg();
        if (zeroBytes > 0) {
            zero(replacement);
        } else if (mayBeHoles && !isLocated && leg.device().shape().can(Ability.LOCATE)) {
            locate(leg);
        } else {
            copy(replacement, leg);
        }
    }

    private boolean isWanted(Replacement replacement) {
        RowJob job = replacement.job();
        return row < endRow
                && !replacement.hasEnded()
                && replacement.leg().state().isComplete()
                && (job == null || !job.isAheadOf(startRow)); // the job will copy them
    }

    private void nextFollower() {
        follower++;
        row = startRow;
        zeroBytes = 0;
        isLocated = false;
    }

    private void advance(long lengthBytes) {
        row += lengthBytes;
        zeroBytes = Math.max(0, zeroBytes - lengthBytes);
        isLocated = zeroBytes > 0;
    }

    private void locate(Leg leg) {
        isLocated = true;
        long offset = leg.member().dataOffsetBytes() + row;
        long length = endRow - row;
        IoTag tag = tag(Operation.LOCATE, leg.locality(), offset, length);
        leg.submit(
                new Locate(tag, offset, length),
                (_, outcome) -> {
                    if (outcome instanceof Outcome.Located(var extents)
                            && !extents.isEmpty()
                            && extents.getFirst().kind().readsZero()) {
                        zeroBytes = Math.min(extents.getFirst().lengthBytes(), length);
                    }
                    run();
                });
    }

    private void zero(Replacement replacement) {
        Leg fresh = replacement.fresh();
        long length = zeroBytes;
        long offset = fresh.member().dataOffsetBytes() + row;
        IoTag tag = tag(Operation.ZERO, fresh.locality(), offset, length);
        fresh.submit(
                new Zero(tag, offset, length, true, false, Durability.VOLATILE),
                (_, outcome) -> {
                    written(replacement, length, outcome);
                    run();
                });
    }

    private void copy(Replacement replacement, Leg leg) {
        long length = Math.min(PIECE_BYTES, endRow - row);
        leg.submit(
                leg.read(parent, row, length, array.io().ids()),
                (_, outcome) -> {
                    switch (outcome) {
                        case Outcome.Data(Buffers bytes) -> write(replacement, length, bytes);
                        case Outcome.Failed(DeviceFault fault) -> {
                            missed(replacement, length, fault);
                            run();
                        }
                        case Outcome other -> throw new AssertionError("a read answered " + other);
                    }
                });
    }

    private void write(Replacement replacement, long length, Buffers bytes) {
        Leg fresh = replacement.fresh();
        Completion answered =
                (_, outcome) -> {
                    bytes.release();
                    written(replacement, length, outcome);
                    run();
                };
        fresh.submit(
                fresh.write(parent, row, bytes, Durability.VOLATILE, array.io().ids()), answered);
    }

    private void written(Replacement replacement, long length, Outcome outcome) {
        if (outcome instanceof Outcome.Failed(DeviceFault fault)) {
            if (fault.kind() == DeviceFault.Kind.NO_MEMORY) {
                missed(replacement, length, fault);
                return;
            }
            array.giveUp(replacement, fault.getMessage());
        }
        advance(length);
    }

    /// The leg could not be read, or there is no memory: the job copies these rows at its end.
    private void missed(Replacement replacement, long length, DeviceFault fault) {
        if (!replacement.miss(row, length)) {
            array.giveUp(replacement, fault.getMessage());
        }
        advance(length);
    }

    private IoTag tag(Operation operation, Locality where, long offset, long length) {
        return parent.child(array.io().ids().next(), operation, where, offset, length);
    }
}
