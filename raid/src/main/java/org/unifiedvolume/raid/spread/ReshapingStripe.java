package org.unifiedvolume.raid.spread;

import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.raid.array.Children;
import org.unifiedvolume.raid.array.JoinedRead;
import org.unifiedvolume.raid.array.StripeArray;
import org.unifiedvolume.request.AllOf;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Read;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.request.RequestIds;

/// A RAID 0 on its way to more members: in front of the position it has its new shape, behind it
/// the old one.
///
/// ```
///   0                position     window          size
///   │ as it will be     │ being moved │ as it was    │
/// ```
final class ReshapingStripe implements BlockDevice {
    private final StripeArray before;
    private final StripeArray after;
    private final DeviceShape shape;
    private final RequestIds ids;
    private final ReshapeGate gate;

    /// @param before the old shape, over the members that it has
    /// @param after the new shape, over all members
    ReshapingStripe(StripeArray before, StripeArray after, long positionBytes, RequestIds ids) {
        this.before = before;
        this.after = after;
        this.shape = after.shape().withSize(before.shape().sizeBytes());
        this.ids = ids;
        this.gate = new ReshapeGate(positionBytes, this::pass);
    }

    StripeArray before() {
        return before;
    }

    StripeArray after() {
        return after;
    }

    ReshapeGate gate() {
        return gate;
    }

    @Override
    public DeviceShape shape() {
        return shape;
    }

    @Override
    public Locality locality(Operation operation, long offsetBytes, long lengthBytes) {
        long position = gate.position();
        if (operation == Operation.FLUSH || offsetBytes + lengthBytes <= position) {
            return after.locality(operation, offsetBytes, lengthBytes);
        }
        if (offsetBytes >= position) {
            return before.locality(operation, offsetBytes, lengthBytes);
        }
        long moved = position - offsetBytes;
        return after.locality(operation, offsetBytes, moved)
                .and(before.locality(operation, position, lengthBytes - moved));
    }

    @Override
    public long localityRun(long offsetBytes) {
        long position = gate.position();
        return offsetBytes < position
                ? Math.min(after.localityRun(offsetBytes), position - offsetBytes)
                : before.localityRun(offsetBytes);
    }

    @Override
    public void submit(IoRequest request, Completion done) {
        switch (request) {
            case IoRequest.Flush flush -> after.submit(flush, done);
            case IoRequest.Prefetch prefetch -> done.complete(prefetch, Outcome.Done.DONE);
            case Read read -> {
                // Bytes that are sent from where they lie could be overwritten before they are.
                Read plain = new Read(read.tag(), read.offsetBytes(), read.lengthBytes());
                gate.submit(plain, read.mayRefer() ? Completion.of(read, plain, done) : done);
            }
            case IoRequest.Write _, IoRequest.Zero _, IoRequest.Discard _, IoRequest.Locate _ ->
                    gate.submit(request, done);
        }
    }

    private void pass(IoRequest request, long position, Completion done) {
        long offset = request.offsetBytes();
        long end = offset + request.lengthBytes();
        if (end <= position) {
            after.submit(request, done);
        } else if (offset >= position) {
            before.submit(request, done);
        } else {
            split(request, position, done);
        }
    }

    private void split(IoRequest request, long position, Completion done) {
        long offset = request.offsetBytes();
        long end = offset + request.lengthBytes();
        IoRequest first = part(request, after, offset, position);
        switch (request) {
            case Read _ -> {
                JoinedRead all = new JoinedRead(request, done, 2);
                after.submit(first, all.expect(0));
                before.submit(part(request, before, position, end), all.expect(1));
                all.allSubmitted();
            }
            case IoRequest.Locate _ ->
                    // An answer may end before the range does; whoever asks will ask for the rest.
                    after.submit(first, Completion.of(request, first, done));
            case IoRequest.Write _,
                    IoRequest.Zero _,
                    IoRequest.Discard _,
                    IoRequest.Prefetch _,
                    IoRequest.Flush _ -> {
                AllOf all = new AllOf(request, done);
                all.expectOne();
                after.submit(first, all);
                all.expectOne();
                before.submit(part(request, before, position, end), all);
                all.allSubmitted();
            }
        }
    }

    private IoRequest part(IoRequest request, StripeArray on, long from, long to) {
        long within = from - request.offsetBytes();
        return Children.of(
                request,
                from,
                to - from,
                request instanceof IoRequest.Write write
                        ? write.source().part(within, to - from)
                        : null,
                on.locality(request.tag().operation(), from, to - from),
                ids);
    }

    @Override
    public DeviceStatus status() {
        return after.status();
    }

    @Override
    public void close() {
        after.close();
    }
}
