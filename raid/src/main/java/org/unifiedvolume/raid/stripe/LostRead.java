package org.unifiedvolume.raid.stripe;

import org.unifiedvolume.raid.geometry.ParityGeometry;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.raid.redundant.Leg;
import org.unifiedvolume.raid.redundant.RangeLocks;
import org.unifiedvolume.raid.redundant.Roles;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest.Read;
import org.unifiedvolume.request.Outcome;

/// A read of a chunk whose leg does not have it: computes the bytes from the other legs. Its rows
/// are held meanwhile, as no change must come in between.
final class LostRead extends RangeLocks.Hold {
    /// So often it starts again because legs have come and gone meanwhile.
    private static final int MOST_LOOKS = 4;

    private final ParityLevel level;
    private final Group group;
    private final Read request;
    private final boolean hasFailed;
    private final Completion done;
    private final Patience patience = new Patience();
    private Roles roles;
    private int looks;
    private boolean settled;
    private StripeRows rows;
    private int position;

    /// @param request within one chunk
    /// @param hasFailed whether the leg was asked and failed, so that it is not asked again
    LostRead(ParityLevel level, Group group, Read request, boolean hasFailed, Completion done) {
        super(level.geometry().memberOffset(request.offsetBytes()), request.lengthBytes());
        this.level = level;
        this.group = group;
        this.request = request;
        this.hasFailed = hasFailed;
        this.done = done;
    }

    void start() {
        group.locks().acquire(this);
    }

    @Override
    protected boolean isRefusable() {
        return true;
    }

    /// The bytes would be computed from legs that do not agree.
    @Override
    protected void refused(DeviceFault why) {
        done.complete(request, new Outcome.Failed(why));
    }

    @Override
    protected void granted() {
        ParityGeometry geometry = level.geometry();
        long offset = request.offsetBytes();
        position = geometry.dataIndexAt(offset);
        roles = group.roles();
        StripeLegs legs = new StripeLegs(geometry, roles, geometry.stripeAt(offset));
        rows =
                new StripeRows(
                        group,
                        level.parity(),
                        request,
                        legs,
                        geometry.memberOffset(offset),
                        request.lengthBytes());
        if (settled) {
            rows.haveBeenSettled();
        }
        if (hasFailed) {
            legs.exclude(position);
        }
        if (legs.isReadable(position)) {
            rows.read(1L << position, this::readAlone); // it is back
        } else {
            rows.readData(this::ended);
        }
    }

    private void readAlone(boolean isWell) {
        if (isWell && rows.at(position) == null) {
            rows.readData(this::ended);
        } else {
            ended(isWell);
        }
    }

    /// The rows are held already.
    private void settle(DeviceFault why) {
        DeviceFault failed = null;
        try {
            level.jobs().settle(group, rows.row(), rows.lengthBytes());
        } catch (DeviceFault fault) {
            failed = fault;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            failed = why;
        }
        if (failed == null) {
            granted();
        } else {
            group.locks().release(this);
            done.complete(request, new Outcome.Failed(failed));
        }
    }

    private static DeviceFault dropped() {
        return new DeviceFault(
                DeviceFault.Kind.DISCONNECTED, "legs come and go faster than they are read");
    }

    private void ended(boolean isWell) {
        // It may have answered after it was back without what it had not made durable.
        boolean wasDropped = isWell && (roles.complete() & ~group.roles().complete()) != 0;
        DeviceFault why = wasDropped ? dropped() : rows.fault();
        if (!isWell || wasDropped) {
            boolean mustSettle = rows.isUnsettled() && !settled;
            rows.release();
            if (mustSettle) {
                settled = true;
                group.blocking()
                        .threads()
                        .start("uvol-settle-" + group.volume(), () -> settle(why));
                return;
            }
            if (patience.retry(why, group.io(), this::granted)) {
                return;
            }
            if (Leg.isOfLeg(why) && group.roles() != roles && looks < MOST_LOOKS) {
                looks++;
                granted();
                return;
            }
        }
        group.locks().release(this);
        if (isWell && !wasDropped) {
            Outcome.Data found = new Outcome.Data(rows.take(position));
            rows.release();
            done.complete(request, found);
        } else {
            done.complete(request, new Outcome.Failed(why));
        }
    }
}
