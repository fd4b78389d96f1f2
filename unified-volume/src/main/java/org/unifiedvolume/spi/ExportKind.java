package org.unifiedvolume.spi;

import java.util.Set;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.DeviceUri;

/// One way to serve volumes. Found by `ServiceLoader`; one instance per process.
public interface ExportKind {
    /// The URI schemes of this kind, in lower case.
    Set<String> schemes();

    /// Reads what the user wrote, without touching what it names.
    ///
    /// @throws ConfigFault if the URI cannot be right
    ExportPlan plan(DeviceUri uri) throws ConfigFault;
}
