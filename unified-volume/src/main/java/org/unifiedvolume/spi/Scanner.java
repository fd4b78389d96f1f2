package org.unifiedvolume.spi;

import java.io.IOException;
import java.util.List;
import java.util.Set;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.DeviceUri;

/// Asks hosts what they offer. Found by `ServiceLoader`; stateless.
public interface Scanner {
    /// One thing that a host offers.
    ///
    /// @param uri names it as a member
    /// @param sizeBytes how large it is; -1 if the host does not say
    /// @param readOnly whether it refuses writes
    /// @param description what the host says about it; may be empty
    record Offer(String uri, long sizeBytes, boolean readOnly, String description) {}

    /// The URI schemes it understands, in lower case.
    Set<String> schemes();

    /// Asks the host that a URI names. Blocks for a bounded time.
    ///
    /// @param uri a member's URI, its path may be missing
    /// @throws ConfigFault if the URI cannot be right
    /// @throws IOException if the host cannot be asked, with a message that names it and the remedy
    List<Offer> scan(DeviceUri uri, TargetContext context) throws ConfigFault, IOException;
}
