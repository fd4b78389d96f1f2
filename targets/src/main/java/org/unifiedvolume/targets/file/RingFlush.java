package org.unifiedvolume.targets.file;

import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest.Flush;
import org.unifiedvolume.request.Outcome;

/// A flush through a ring.
final class RingFlush extends RingOperation {
    private final FileDevice device;
    private final int fd;
    private final Flush flush;
    private final Completion done;
    private long result;

    RingFlush(FileDevice device, int fd, Flush flush, Completion done) {
        this.device = device;
        this.fd = fd;
        this.flush = flush;
        this.done = done;
    }

    @Override
    void add(RingSlot slot, int howFlags) {
        slot.addFlush(fd, howFlags);
    }

    @Override
    boolean took(long answer) {
        result = answer;
        return false;
    }

    @Override
    void finish() {
        device.end(flush, done, device.flushed(result));
    }

    @Override
    void refuse(String reason) {
        device.end(flush, done, Outcome.failed(DeviceFault.Kind.STOPPING, reason));
    }

    @Override
    void abandon(String reason) {
        done.complete(flush, Outcome.failed(DeviceFault.Kind.STOPPING, reason));
    }
}
