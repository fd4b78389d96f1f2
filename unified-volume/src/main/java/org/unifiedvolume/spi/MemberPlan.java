package org.unifiedvolume.spi;

import java.io.IOException;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.request.Locality;

/// A member as the user described it: understood, not opened.
public interface MemberPlan {
    /// What users call it: its URI, without secrets.
    String name();

    /// Equal for two plans that mean the same device.
    Object identity();

    /// Where its bytes are: LOCAL or REMOTE.
    Locality locality();

    /// How many requests it is given at once.
    int depth();

    /// After how long an unanswered request fails, in nanoseconds; 0 for never.
    long deadlineNanos();

    /// Looks at what the plan names, without changing or keeping anything: called for every plan
    /// before the first one is opened.
    ///
    /// @throws IOException if opening would fail, with a message that names it and the remedy
    default void check() throws IOException {}

    /// Opens the device.
    ///
    /// @throws IOException if it cannot be had, with a message that names it and the remedy
    BlockDevice open(TargetContext context) throws IOException;
}
