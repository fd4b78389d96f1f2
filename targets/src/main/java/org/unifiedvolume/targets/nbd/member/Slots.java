package org.unifiedvolume.targets.nbd.member;

import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.transport.ProtocolFault;

/// The requests under way on one link, found by the cookie of their answer.
///
/// A cookie is a slot's number below and a counter above, so that an answer for a predecessor in
/// the slot is recognised. Owned by the link's loop.
final class Slots {
    private static final int SLOT_BITS = 24;
    private static final int SLOT_MASK = (1 << SLOT_BITS) - 1;

    private Pending[] slots = new Pending[64];
    private int count;
    private int next;
    private long generation;

    int count() {
        return count;
    }

    /// Gives a request a slot, and the cookie that names it.
    void enter(Pending pending) {
        if (count == slots.length) {
            Pending[] more = new Pending[slots.length * 2];
            System.arraycopy(slots, 0, more, 0, slots.length);
            slots = more;
        }
        while (slots[next] != null) {
            next = (next + 1) & (slots.length - 1);
        }
        slots[next] = pending;
        pending.cookie = ++generation << SLOT_BITS | next;
        next = (next + 1) & (slots.length - 1);
        count++;
    }

    /// The request that an answer is for.
    ///
    /// @throws ProtocolFault if there is none
    Pending find(long cookie) throws ProtocolFault {
        int slot = (int) cookie & SLOT_MASK;
        Pending pending = slot < slots.length ? slots[slot] : null;
        if (pending == null || pending.cookie != cookie) {
            throw new ProtocolFault(
                    "NBD, reply message", "an answer to a request that was not asked");
        }
        return pending;
    }

    /// A request has been answered.
    void leave(Pending pending) {
        slots[(int) pending.cookie & SLOT_MASK] = null;
        count--;
    }

    /// How long the oldest request has been waiting, in nanoseconds; 0 if there is none.
    long longestWaitNanos(long nowNanos) {
        long longest = 0;
        for (Pending pending : slots) {
            if (pending != null) {
                longest = Math.max(longest, nowNanos - pending.enteredNanos());
            }
        }
        return longest;
    }

    /// Takes all requests out, as they were before anything was answered.
    List<Pending> takeAll() {
        List<Pending> taken = new ArrayList<>();
        for (int i = 0; i < slots.length; i++) {
            if (slots[i] != null) {
                slots[i].reset();
                taken.add(slots[i]);
                slots[i] = null;
            }
        }
        count = 0;
        return taken;
    }
}
