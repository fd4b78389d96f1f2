package org.unifiedvolume.raid.mirror;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.raid.redundant.BehindQueue;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.raid.redundant.Leg;
import org.unifiedvolume.raid.redundant.LegState;
import org.unifiedvolume.raid.redundant.Level;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.FanOut;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Write;
import org.unifiedvolume.request.IoRequest.Zero;
import org.unifiedvolume.request.Outcome;

/// A change on its way to every copy.
///
/// Done when each leg has answered and the complete ones that have it are enough; the legs that
/// failed are dropped then. If they are not enough, the copies are made alike later. Legs that are
/// written behind get it when it has succeeded on the others ([BehindQueue]), and do not count.
final class CopyChange extends FanOut {
    private final Replication level;
    private final CopyMap map;
    private final Group group;
    private final IoRequest what;
    private final IoRequest[] children;
    private final int[] roles;
    private final Level.Change whole;
    private int count;

    /// What goes to legs that are behind when the others have it; null if there is none.
    private List<Later> later;

    /// Write-behind legs that get it with the others; null if there is none.
    private List<BehindQueue> notBehind;

    /// Whether a leg gets it at once that counts as complete.
    private boolean isKept;

    /// Why legs failed, by role; null as long as none has.
    private DeviceFault[] faults;

    private int refusals;
    private int untouched;
    private boolean mustRepeatSlowly;

    /// A part of it for a leg that is behind.
    private record Later(BehindQueue queue, long row, long length, Buffers source) {}

    /// @param whole whose rows are held
    /// @param what is sent to the legs: the parent, or what it becomes there
    /// @param done told how it ended, unless copies have to be made alike first
    CopyChange(
            Replication level,
            Group group,
            Level.Change whole,
            IoRequest parent,
            IoRequest what,
            Completion done) {
        super(parent, done);
        this.whole = whole;
        this.level = level;
        this.map = level.map();
        this.group = group;
        this.what = what;
        CopyPlaces places = map.places();
        int most = places.runCount(what.offsetBytes(), what.lengthBytes()) * places.copies();
        this.children = new IoRequest[most];
        this.roles = new int[most];
    }

    void start() {
        CopyPlaces places = map.places();
        long start = what.offsetBytes();
        long end = start + what.lengthBytes();
        long length;
        for (long at = start; at < end; at += length) {
            length = places.run(at, end - at);
            CopySet set = map.setAt(at);
            for (int copy = 0; copy < set.copyCount(); copy++) {
                Leg leg = set.writable(copy);
                if (leg != null && !isLater(leg, places.row(at, copy), at - start, length)) {
                    submit(leg, places.row(at, copy), length, source(at - start, length));
                }
            }
        }
        allSubmitted();
    }

    /// Whether a leg gets a part later, or not at all.
    private boolean isLater(Leg leg, long row, long from, long length) {
        BehindQueue queue = leg.queue();
        if (queue == null) {
            return false;
        }
        switch (queue.begin()) {
            case NOW -> {
                notBehind = notBehind == null ? new ArrayList<>() : notBehind;
                notBehind.add(queue);
                return false;
            }
            case LATER -> {
                later = later == null ? new ArrayList<>() : later;
                later.add(new Later(queue, row, length, source(from, length)));
            }
            case NEVER -> {
                // It lacks this change from now on, and the superblocks say so already.
            }
        }
        return true;
    }

    private Buffers source(long from, long length) {
        if (!(what instanceof Write write)) {
            return null;
        }
        return length == what.lengthBytes() ? write.source() : write.source().part(from, length);
    }

    private void submit(Leg leg, long row, long length, Buffers source) {
        IoRequest child = leg.part(what, row, length, source, group.io().ids());
        children[count] = child;
        roles[count] = leg.role();
        count++;
        isKept |= leg.state() == LegState.IN_SYNC;
        expectOne();
        leg.submit(child, this);
    }

    @Override
    protected void childEnded(IoRequest request, Outcome outcome) {
        if (!(outcome instanceof Outcome.Failed(DeviceFault fault))) {
            return;
        }
        int role = roleOf(request);
        synchronized (this) {
            if (faults == null) {
                faults = new DeviceFault[group.roles().count()];
            }
            refusals += fault.kind() == DeviceFault.Kind.NOT_SUPPORTED ? 1 : 0;
            untouched += Leg.isRefusal(fault) ? 1 : 0;
            faults[role] = fault;
        }
        if (fault.kind() == DeviceFault.Kind.DISCONNECTED) {
            // It may be back in a moment, without what it had not made durable: nobody must read
            // it until then.
            group.readFailed(group.roles().leg(role), fault, 0, 0);
        }
    }

    private int roleOf(IoRequest request) {
        for (int i = 0; i < children.length; i++) {
            // A member answers with the very request that it was given.
            if (children[i] == request) {
                return roles[i];
            }
        }
        throw new AssertionError("request " + request.tag().id() + " is nobody's child");
    }

    @Override
    protected Outcome result() {
        DeviceFault[] failed;
        synchronized (this) {
            failed = faults;
        }
        if (failed == null) {
            return later == null || isKept ? Outcome.Done.DONE : notKept();
        }
        if (what instanceof Zero zero && zero.fastOnly() && isRefusedBySome()) {
            mustRepeatSlowly = true;
            return Outcome.Done.DONE;
        }
        DeviceFault why = group.settle(failed);
        return why == null ? Outcome.Done.DONE : new Outcome.Failed(why);
    }

    /// Legs that are behind do not count.
    private Outcome notKept() {
        return Outcome.failed(
                DeviceFault.Kind.IO,
                "volume %s: no leg that is complete takes changes".formatted(group.volume()));
    }

    @Override
    protected void end(Completion whoWaits) {
        Outcome outcome = result();
        if (notBehind != null) {
            notBehind.forEach(BehindQueue::endNow);
        }
        if (later != null && outcome.isSuccess() && !mustRepeatSlowly) {
            handOver(whoWaits, outcome);
            return;
        }
        if (later != null) {
            later.forEach(part -> part.queue.cancel());
        }
        if (outcome instanceof Outcome.Failed(DeviceFault why) && !isUntouched()) {
            IoRequest all = parent();
            long row = level.firstRow(all.offsetBytes(), all.lengthBytes());
            long rows = level.endRow(all.offsetBytes(), all.lengthBytes()) - row;
            whole.failed(why, () -> mend(row, rows));
        } else {
            whoWaits.complete(parent(), outcome);
        }
    }

    /// The legs that count have it: it is answered when there is room for it in the queues of the
    /// others.
    private void handOver(Completion whoWaits, Outcome outcome) {
        AtomicInteger outside = new AtomicInteger(later.size());
        Runnable admitted =
                () -> {
                    if (outside.decrementAndGet() == 0) {
                        whoWaits.complete(parent(), outcome);
                    }
                };
        List<Runnable> ends = later.stream().map(_ -> whole.owed()).toList();
        for (int i = 0; i < ends.size(); i++) {
            Later part = later.get(i);
            part.queue.add(what, part.row, part.length, part.source, admitted, ends.get(i));
        }
    }

    /// A leg that is being filled may have the change where it is filled already: it gets what the
    /// complete ones hold. One that has become complete meanwhile may have been neither to whoever
    /// asked, so all is done once more.
    private void mend(long row, long rows) throws DeviceFault, InterruptedException {
        long complete;
        do {
            complete = group.roles().complete();
            level.resync(group, row, rows);
            for (Leg leg : group.roles().writable()) {
                if (!group.roles().isComplete(leg.role())) {
                    if (leg.queue() != null) {
                        leg.queue().awaitFree(group.blocking(), row, rows); // earlier changes
                    }
                    level.restore(group, leg, row, rows);
                }
            }
        } while (complete != group.roles().complete());
    }

    /// Whether no leg has done anything.
    private synchronized boolean isUntouched() {
        return untouched == count;
    }

    private synchronized boolean isRefusedBySome() {
        return 0 < refusals && refusals < count;
    }

    /// Whether only some legs could zero fast, so that the others have to do it slowly.
    boolean mustRepeatSlowly() {
        return mustRepeatSlowly;
    }
}
