package org.unifiedvolume.targets.file;

import org.unifiedvolume.linux.Errno;
import org.unifiedvolume.linux.IoRing;

/// One request's way through a ring: it may take several calls.
///
/// Belongs to the loop of its ring. While a call is with the kernel, the memory it names must stay.
abstract class RingOperation {
    private static final int MAX_RETRIES = 100;

    private int retries;

    /// Adds the next call to the ring.
    ///
    /// @param howFlags 0, or [IoRing#ASYNC] after the kernel asked to try again
    abstract void add(RingSlot slot, int howFlags);

    /// Takes the result of a call.
    ///
    /// @return whether another call is needed
    abstract boolean took(long result);

    /// Answers the request; nothing is with the kernel any more.
    abstract void finish();

    /// The ring takes no more calls, and none of this operation's was ever with the kernel, or none
    /// is any more: answers the request with a failure.
    abstract void refuse(String reason);

    /// The ring ends while a call is with the kernel: answers the request with a failure, and keeps
    /// the memory for ever, since the kernel may still use it.
    abstract void abandon(String reason);

    /// As [#took], but sees to calls that were interrupted.
    final boolean takes(int result) {
        if (isRetry(result) && retries < MAX_RETRIES) {
            retries++;
            return true;
        }
        return took(result);
    }

    /// How the next call is to be made: one that failed to be done on the way is left to a kernel
    /// thread.
    final int howFlags() {
        return retries > 0 ? IoRing.ASYNC : 0;
    }

    private static boolean isRetry(int result) {
        return result == -Errno.EINTR || result == -Errno.EAGAIN;
    }
}
