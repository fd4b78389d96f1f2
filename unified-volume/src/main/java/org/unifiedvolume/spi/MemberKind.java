package org.unifiedvolume.spi;

import java.util.Set;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.DeviceUri;

/// One kind of devices that volumes are made of. Found by `ServiceLoader`; stateless.
public interface MemberKind {
    /// The URI schemes of this kind, in lower case.
    Set<String> schemes();

    /// Reads what the user wrote, without touching what it names.
    ///
    /// @throws ConfigFault if the URI cannot be right
    MemberPlan plan(DeviceUri uri) throws ConfigFault;
}
