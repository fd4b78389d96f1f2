package org.unifiedvolume.raid.simulation;

import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;

/// A disk behind a bug: what an array with that bug would do to it.
final class BadDisk implements BlockDevice {
    /// Does something wrong with a request.
    interface Bug {
        void submit(BlockDevice disk, IoRequest request, Completion done);
    }

    private final BlockDevice disk;
    private final Bug bug;

    BadDisk(BlockDevice disk, Bug bug) {
        this.disk = disk;
        this.bug = bug;
    }

    /// Changes are acknowledged before the disk has them; what becomes of them is not looked at.
    static void acknowledgeEarly(BlockDevice disk, IoRequest request, Completion done) {
        if (request.tag().operation().changesData()) {
            disk.submit(request, (_, _) -> {});
            done.complete(request, Outcome.Done.DONE);
        } else {
            disk.submit(request, done);
        }
    }

    /// A change that the disk failed counts as done.
    static void overlookFailures(BlockDevice disk, IoRequest request, Completion done) {
        boolean isChange = request.tag().operation().changesData();
        disk.submit(
                request,
                (asked, outcome) -> done.complete(asked, isChange ? Outcome.Done.DONE : outcome));
    }

    /// Flushes do not reach the disk.
    static void skipFlushes(BlockDevice disk, IoRequest request, Completion done) {
        if (request instanceof IoRequest.Flush) {
            done.complete(request, Outcome.Done.DONE);
        } else {
            disk.submit(request, done);
        }
    }

    @Override
    public DeviceShape shape() {
        return disk.shape();
    }

    @Override
    public Locality locality(Operation operation, long offsetBytes, long lengthBytes) {
        return disk.locality(operation, offsetBytes, lengthBytes);
    }

    @Override
    public DeviceStatus status() {
        return disk.status();
    }

    @Override
    public void submit(IoRequest request, Completion done) {
        bug.submit(disk, request, done);
    }

    @Override
    public void close() {
        disk.close();
    }
}
