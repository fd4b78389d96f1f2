package org.unifiedvolume.raid.badblock;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;

/// Keeps a member's list on the member: one change of it at a time is under way, and those that
/// come meanwhile go together with the next.
///
/// [#listed] has everything that the list on disk may have: rows come in before they are written
/// there, and leave when it is durable that they have. A write that failed may be there or not, so
/// the next one goes to the same slot, with a higher number.
final class ListKeeper {
    /// A change of the list that waits.
    private record Wish(boolean isLoss, long row, long lengthBytes, Consumer<DeviceFault> told) {
        BadBlocks of(BadBlocks list) {
            return isLoss ? list.plus(row, lengthBytes) : list.minus(row, lengthBytes);
        }
    }

    private final BlockDevice member;
    private final IoContext io;
    private final UUID uuid;
    private final long offset;
    private final BooleanSupplier isOverdue;
    private final ReentrantLock lock = new ReentrantLock();
    private List<Wish> waiting = new ArrayList<>();
    private boolean writing;
    private volatile BadBlocks listed;

    // Of the last write that succeeded.
    private int goodSlot;
    private byte[] goodBytes;

    /// Of the last write, whether it succeeded or not.
    private long sequence;

    /// Whether the newest list on disk is [#listed] for sure.
    private boolean isWritten = true;

    /// @param offset where the area for the list begins on the member
    /// @param isOverdue whether the member may still carry out writes of which it was said that
    ///     they have failed
    ListKeeper(
            BlockDevice member,
            IoContext io,
            UUID uuid,
            long offset,
            BadBlockSlots.Found found,
            BooleanSupplier isOverdue) {
        this.member = member;
        this.io = io;
        this.uuid = uuid;
        this.offset = offset;
        this.isOverdue = isOverdue;
        this.listed = found.list();
        this.goodSlot = found.slot();
        this.goodBytes = found.bytes();
        this.sequence = found.sequence();
    }

    /// All that may be lost.
    BadBlocks listed() {
        return listed;
    }

    /// Puts rows into the list, or takes them out of it.
    ///
    /// @param told with null when that is durable, or why it is not
    void change(boolean isLoss, long row, long lengthBytes, Consumer<DeviceFault> told) {
        lock.lock();
        try {
            waiting.add(new Wish(isLoss, row, lengthBytes, told));
        } finally {
            lock.unlock();
        }
        writeNext();
    }

    private void writeNext() {
        List<Wish> refused = new ArrayList<>();
        List<Wish> taken = new ArrayList<>();
        BadBlocks next;
        boolean isThere;
        lock.lock();
        try {
            if (writing || waiting.isEmpty()) {
                return;
            }
            next = listed;
            BadBlocks most = listed;
            for (Wish wish : waiting) {
                BadBlocks changed = wish.of(next);
                if (changed.fits()) {
                    next = changed;
                    most = wish.isLoss ? wish.of(most) : most;
                    taken.add(wish);
                } else {
                    refused.add(wish);
                }
            }
            waiting = new ArrayList<>();
            isThere = isWritten && next.equals(listed);
            listed = most;
            writing = !isThere;
        } finally {
            lock.unlock();
        }
        for (Wish wish : refused) {
            wish.told.accept(
                    new DeviceFault(
                            DeviceFault.Kind.IO,
                            "%s: the bad-block list has no room for more than %d ranges"
                                    .formatted(member, BadBlocks.MAX_RANGES)));
        }
        if (isThere) {
            taken.forEach(wish -> wish.told.accept(null));
        } else {
            write(next, taken);
        }
    }

    private void write(BadBlocks next, List<Wish> taken) {
        int slot = 1 - goodSlot;
        sequence++;
        byte[] bytes = BadBlockSlots.encode(uuid, sequence, next);
        if (isOverdue.getAsBoolean()) {
            // An older list that may still reach the member would undo this one.
            ended(
                    next,
                    taken,
                    slot,
                    bytes,
                    new DeviceFault(
                            DeviceFault.Kind.TIMED_OUT,
                            member + " still has changes that it has not answered in time"));
            return;
        }
        boolean isHalf = member.shape().blockBytes() <= BadBlockSlots.SLOT_BYTES;
        byte[] written = isHalf ? bytes : bothSlots(slot, bytes);
        long at = offset + (isHalf ? (long) slot * BadBlockSlots.SLOT_BYTES : 0);
        IoTag tag =
                new IoTag(
                        io.ids().next(),
                        0,
                        Operation.WRITE,
                        member.locality(Operation.WRITE, at, written.length),
                        at,
                        written.length,
                        0,
                        io.timers().nanoTime());
        member.submit(
                new IoRequest.Write(tag, at, payload(written), Durability.DURABLE),
                (_, outcome) ->
                        ended(
                                next,
                                taken,
                                slot,
                                bytes,
                                outcome instanceof Outcome.Failed(DeviceFault why) ? why : null));
    }

    private byte[] bothSlots(int slot, byte[] bytes) {
        byte[] both = new byte[BadBlockSlots.AREA_BYTES];
        System.arraycopy(bytes, 0, both, slot * bytes.length, bytes.length);
        System.arraycopy(goodBytes, 0, both, goodSlot * bytes.length, bytes.length);
        return both;
    }

    /// Memory of its own: it must not wait for the pool, as those who hold the pool may wait for
    /// it.
    private static Buffers payload(byte[] bytes) {
        MemorySegment memory = Arena.ofAuto().allocate(bytes.length, BadBlockSlots.AREA_BYTES);
        memory.copyFrom(MemorySegment.ofArray(bytes));
        return Buffers.outsidePool(memory);
    }

    private void ended(
            BadBlocks next, List<Wish> taken, int slot, byte[] bytes, DeviceFault fault) {
        lock.lock();
        try {
            isWritten = fault == null;
            if (isWritten) {
                goodSlot = slot;
                goodBytes = bytes;
                listed = next;
            }
            writing = false;
        } finally {
            lock.unlock();
        }
        DeviceFault told = fault == null ? null : fault.within(member + ": the bad-block list");
        taken.forEach(wish -> wish.told.accept(told));
        writeNext();
    }
}
