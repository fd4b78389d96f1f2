package org.unifiedvolume.spi;

import java.io.IOException;
import java.util.List;
import org.unifiedvolume.device.BlockDevice;

/// A layout as the user described it.
public interface LayoutPlan {
    /// How many members have to be there. A volume that starts without the others is DEGRADED.
    int leastMembers();

    /// Makes one device of the members. It owns them from then on, even if this fails.
    ///
    /// @param members in the order in which they were written, those that could not be opened too
    /// @throws IOException if they do not fit together, with a message that says why and the remedy
    BlockDevice assemble(List<LayoutMember> members, LayoutContext context) throws IOException;
}
