package org.unifiedvolume.targets.file;

import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest.Read;
import org.unifiedvolume.request.Outcome;

/// A read through a ring: goes on where a call stopped short, and owns its target until the answer.
final class RingRead extends RingOperation {
    private final FileDevice device;
    private final OpenFile file;
    private final Read read;
    private final Buffers target;
    private final Completion done;
    private long count;
    private DeviceFault fault;

    /// @param already how many bytes the target has already
    RingRead(
            FileDevice device,
            OpenFile file,
            Read read,
            Buffers target,
            long already,
            Completion done) {
        this.device = device;
        this.file = file;
        this.read = read;
        this.target = target;
        this.count = already;
        this.done = done;
    }

    @Override
    void add(RingSlot slot, int howFlags) {
        slot.addTransfer(false, file.fd(), read.offsetBytes(), target, count, 0, howFlags);
    }

    @Override
    boolean took(long result) {
        if (result < 0) {
            fault = FileFaults.of(device.toString(), read, result);
            return false;
        }
        count += result;
        if (count == read.lengthBytes()) {
            return false;
        }
        // Direct I/O that stops within a block has met the end of the file.
        if (result == 0 || count % file.blockBytes() != 0) {
            fault = FileFaults.truncated(device.toString(), read, file.sizeBytes());
            return false;
        }
        return true;
    }

    @Override
    void finish() {
        if (fault == null) {
            device.end(read, done, new Outcome.Data(target));
        } else {
            target.release();
            device.end(read, done, new Outcome.Failed(fault));
        }
    }

    @Override
    void refuse(String reason) {
        target.release();
        device.end(read, done, Outcome.failed(DeviceFault.Kind.STOPPING, reason));
    }

    @Override
    void abandon(String reason) {
        done.complete(read, Outcome.failed(DeviceFault.Kind.STOPPING, reason));
    }
}
