package org.unifiedvolume.linux;

import java.util.concurrent.atomic.AtomicInteger;
import org.unifiedvolume.Invariant;

/// A file descriptor that several use; the last one closes it.
public final class SharedDescriptor {
    private final AtomicInteger references = new AtomicInteger(1);
    private final int fd;

    /// The caller hands the descriptor over and holds the first reference.
    public SharedDescriptor(int fd) {
        this.fd = fd;
    }

    public int fd() {
        return fd;
    }

    /// Adds one reference, unless the descriptor has been closed.
    ///
    /// @return whether the caller now holds a reference
    public boolean retain() {
        int before = references.get();
        while (before > 0) {
            int found = references.compareAndExchange(before, before + 1);
            if (found == before) {
                return true;
            }
            before = found;
        }
        return false;
    }

    /// Gives up one reference; the last one closes the descriptor.
    public void release() {
        int left = references.decrementAndGet();
        Invariant.check(left >= 0, "a descriptor was released too often (%d)", left);
        if (left == 0) {
            FileCalls.close(fd);
        }
    }
}
