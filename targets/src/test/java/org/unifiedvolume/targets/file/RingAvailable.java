package org.unifiedvolume.targets.file;

import java.io.IOException;
import org.junit.jupiter.api.Assumptions;
import org.unifiedvolume.linux.IoRing;

/// Skips tests where this kernel, or who set it up, permits no rings.
final class RingAvailable {
    private RingAvailable() {}

    static void orSkip() {
        try {
            IoRing.open(4, 1).close();
        } catch (IOException e) {
            Assumptions.abort("no io_uring here: " + e.getMessage());
        }
    }
}
