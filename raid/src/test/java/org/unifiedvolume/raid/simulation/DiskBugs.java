package org.unifiedvolume.raid.simulation;

import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;

/// What an array with a bug would do to its disks, whatever its level.
final class DiskBugs {
    private DiskBugs() {}

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

    /// Everything after the first chunk of a stripe's member lands in the chunk before.
    static void oneChunkTooEarly(BlockDevice disk, IoRequest request, Completion done) {
        long chunk = SimulatedStripe.CHUNK_BYTES;
        long offset = request.offsetBytes();
        boolean isBeyond = offset >= chunk && !(request instanceof IoRequest.Flush);
        disk.submit(isBeyond ? request.at(offset - chunk) : request, done);
    }
}
