package org.unifiedvolume.raid.stripe;

import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.request.DeviceFault;

/// Tries again for a while when the buffer pool is spent: a change needs memory for parity that
/// nobody has set aside for it. It holds none while it waits, so that others can end.
final class Patience {
    private static final int MOST_TRIES = 1000;
    private static final long PAUSE_NANOS = 5_000_000;

    private int tries;

    /// Tries again later, if that may help.
    ///
    /// @return whether it does
    boolean retry(DeviceFault why, IoContext io, Runnable again) {
        if (why.kind() != DeviceFault.Kind.NO_MEMORY || tries == MOST_TRIES) {
            return false;
        }
        tries++;
        io.timers().after(PAUSE_NANOS, again);
        return true;
    }
}
