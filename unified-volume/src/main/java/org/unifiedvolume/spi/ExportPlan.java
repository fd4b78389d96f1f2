package org.unifiedvolume.spi;

import java.io.IOException;
import org.unifiedvolume.volume.Volume;

/// An export as the user described it: understood, not opened.
public interface ExportPlan {
    /// What users call it: its URI, without secrets.
    String name();

    /// Equal for two plans that would be in each other's way.
    Object identity();

    /// Looks at what the plan names, without changing or keeping anything: called for every plan
    /// before the first device is opened.
    ///
    /// @throws IOException if opening would fail, with a message that names it and the remedy
    default void check() throws IOException {}

    /// Starts to serve a volume.
    ///
    /// @throws IOException if it cannot be served, with a message that names it and the remedy
    Export open(Volume volume, TargetContext context) throws IOException;
}
