package org.unifiedvolume.raid.integrity;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.unifiedvolume.request.DeviceFault;

/// Counts the answers of several writes and tells of the first failure when the last one is in.
final class SaveWait implements ChecksumBlock.Saver {
    private final AtomicInteger pending;
    private final AtomicReference<DeviceFault> first = new AtomicReference<>();
    private final ChecksumBlock.Saver done;

    /// @param count how many answers are to come
    SaveWait(int count, ChecksumBlock.Saver done) {
        this.pending = new AtomicInteger(count);
        this.done = done;
    }

    @Override
    public void saved(DeviceFault fault) {
        if (fault != null) {
            first.compareAndSet(null, fault);
        }
        if (pending.decrementAndGet() == 0) {
            done.saved(first.get());
        }
    }
}
