package org.unifiedvolume.targets.file;

import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.linux.Errno;
import org.unifiedvolume.linux.FileCalls;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest.Write;
import org.unifiedvolume.request.Outcome;

/// A write through a ring: goes on where a call stopped short, and holds its source until the
/// answer.
final class RingWrite extends RingOperation {
    private final FileDevice device;
    private final OpenFile file;
    private final Write write;
    private final Buffers source;
    private final Completion done;
    private long count;
    private DeviceFault fault;

    /// @param source the write's payload, or an aligned copy; this takes over one reference
    /// @param already how many bytes have been written already
    RingWrite(
            FileDevice device,
            OpenFile file,
            Write write,
            Buffers source,
            long already,
            Completion done) {
        this.device = device;
        this.file = file;
        this.write = write;
        this.source = source;
        this.count = already;
        this.done = done;
    }

    @Override
    void add(RingSlot slot, int howFlags) {
        int flags = write.durability() == Durability.DURABLE ? FileCalls.RWF_DSYNC : 0;
        slot.addTransfer(true, file.fd(), write.offsetBytes(), source, count, flags, howFlags);
    }

    @Override
    boolean took(long result) {
        if (result <= 0) {
            fault = FileFaults.of(device.toString(), write, result == 0 ? Errno.ENOSPC : result);
            return false;
        }
        count += result;
        return count < source.length();
    }

    @Override
    void finish() {
        source.release();
        device.written(write, done, fault == null ? Outcome.Done.DONE : new Outcome.Failed(fault));
    }

    @Override
    void refuse(String reason) {
        source.release();
        device.written(write, done, Outcome.failed(DeviceFault.Kind.STOPPING, reason));
    }

    @Override
    void abandon(String reason) {
        done.complete(write, Outcome.failed(DeviceFault.Kind.STOPPING, reason));
    }
}
