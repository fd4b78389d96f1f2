package org.unifiedvolume.raid.redundant;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.raid.bitmap.BitmapBlocks;
import org.unifiedvolume.raid.bitmap.BitmapStore;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;

/// Keeps the bitmap on every leg that takes changes; a leg that does not take it is dropped.
final class LegBitmap implements BitmapStore {
    private final Superblocks superblocks;
    private RedundantArray array;

    LegBitmap(Superblocks superblocks) {
        this.superblocks = superblocks;
    }

    /// Whose bitmap it is; before the first write.
    void setArray(RedundantArray newArray) {
        array = newArray;
    }

    @Override
    public void write(int firstBlock, byte[] blocks, Consumer<DeviceFault> done) {
        Roles roles = array.roles();
        Leg[] targets = roles.writable();
        DeviceFault[] faults = new DeviceFault[roles.count()];
        List<Replacement> followers = array.legs().reserve().replacements();
        AtomicInteger pending = new AtomicInteger(targets.length + followers.size() + 1);
        Buffers payload = MemberAccess.payload(blocks);
        Runnable answered =
                () -> {
                    if (pending.decrementAndGet() == 0) {
                        done.accept(settle(roles, faults));
                    }
                };
        for (Leg leg : targets) {
            if (isOfNoUse(leg)) {
                answered.run();
                continue;
            }
            write(
                    leg,
                    firstBlock,
                    payload,
                    fault -> {
                        faults[leg.role()] = fault;
                        answered.run();
                    });
        }
        for (Replacement follower : followers) {
            write(
                    follower.fresh(),
                    firstBlock,
                    payload,
                    fault -> {
                        if (fault != null) {
                            array.giveUp(follower, fault.getMessage());
                        }
                        answered.run();
                    });
        }
        answered.run();
    }

    /// A leg that is known to be behind is not asked at a start, and gets all of the bitmap before
    /// it is in step: nobody has to wait for it.
    private boolean isOfNoUse(Leg leg) {
        return array.legs().isRecordedBehind(leg) && !leg.queue().isJoining();
    }

    /// @param told why it failed; null if it did not
    private void write(Leg leg, int firstBlock, Buffers payload, Consumer<DeviceFault> told) {
        LegMember member = leg.member();
        Superblocks.Seat seat = superblocks.seat(member);
        if (seat == null) {
            told.accept(null); // it belongs to the array no more, just now
            return;
        }
        DeviceFault hesitation = leg.hesitation();
        if (hesitation != null) {
            told.accept(hesitation);
            return;
        }
        long offset = seat.areas().bitmap().offset() + (long) firstBlock * BitmapBlocks.BLOCK_BYTES;
        member.device()
                .submit(
                        leg.writeAt(tag(), offset, payload, Durability.DURABLE, array.io().ids()),
                        (_, outcome) ->
                                told.accept(
                                        outcome instanceof Outcome.Failed(DeviceFault fault)
                                                ? fault
                                                : null));
    }

    private DeviceFault settle(Roles roles, DeviceFault[] faults) {
        for (DeviceFault fault : faults) {
            if (fault != null) {
                return array.legs().settle(roles, faults);
            }
        }
        return null;
    }

    private IoTag tag() {
        long now = array.io().timers().nanoTime();
        return new IoTag(array.io().ids().next(), 0, Operation.WRITE, Locality.MIXED, 0, 0, 0, now);
    }

    /// Bits may be cleared while every role has a leg that is complete, or behind: changes leave
    /// their regions only when legs that are behind have them, too. Not otherwise: a leg that is
    /// away needs to know what was changed since it left, and so does a replacement after a crash.
    @Override
    public void prepareClear(Consumer<Boolean> done) {
        if (!mayClear()) {
            done.accept(false);
            return;
        }
        array.flush((_, outcome) -> done.accept(outcome.isSuccess() && mayClear()));
    }

    private boolean mayClear() {
        Legs legs = array.legs();
        return !array.isClosed()
                && legs.areAllInUse()
                && legs.reserve().replacements().isEmpty()
                && !legs.roles().isMeasured()
                && legs.keeper().isSettled();
    }
}
