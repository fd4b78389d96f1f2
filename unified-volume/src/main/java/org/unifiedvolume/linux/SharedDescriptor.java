package org.unifiedvolume.linux;

import java.util.concurrent.atomic.AtomicInteger;
import org.unifiedvolume.Invariant;

/// A file descriptor that several use; the last one closes it.
public final class SharedDescriptor {
    private final AtomicInteger references = new AtomicInteger(1);
    private final int fd;
    private final Runnable lastReleased;

    /// The caller hands the descriptor over and holds the first reference.
    public SharedDescriptor(int fd) {
        this(fd, () -> FileCalls.close(fd));
    }

    private SharedDescriptor(int fd, Runnable lastReleased) {
        this.fd = fd;
        this.lastReleased = lastReleased;
    }

    /// The same descriptor for somebody whose use is watched. The caller hands over one reference
    /// to `owned` and holds the first one of the answer.
    ///
    /// @param givenBack is told when its last reference was released
    public static SharedDescriptor lent(SharedDescriptor owned, Runnable givenBack) {
        return new SharedDescriptor(
                owned.fd,
                () -> {
                    owned.release();
                    givenBack.run();
                });
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

    /// Gives up one reference; the last one closes the descriptor, or gives it back.
    public void release() {
        int left = references.decrementAndGet();
        Invariant.check(left >= 0, "a descriptor was released too often (%d)", left);
        if (left == 0) {
            lastReleased.run();
        }
    }
}
