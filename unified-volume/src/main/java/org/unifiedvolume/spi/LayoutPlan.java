package org.unifiedvolume.spi;

import java.io.IOException;
import java.util.List;
import org.unifiedvolume.device.BlockDevice;

/// A layout as the user described it.
public interface LayoutPlan {
    /// How many members have to be there. A volume that starts without the others is DEGRADED.
    int leastMembers();

    /// Whether members may wait for a role.
    default boolean takesSpares() {
        return false;
    }

    /// Makes one device of the members. It owns them from then on, even if this fails.
    ///
    /// @param members in the order in which they were written, those that could not be opened too
    /// @throws IOException if they do not fit together, with a message that says why and the remedy
    BlockDevice assemble(List<LayoutMember> members, LayoutContext context) throws IOException;

    /// As [#assemble(List, LayoutContext)], with members that wait for a role.
    ///
    /// @param spares none unless [#takesSpares]; those that could not be opened too
    default BlockDevice assemble(
            List<LayoutMember> members, List<LayoutMember> spares, LayoutContext context)
            throws IOException {
        return assemble(members, context);
    }

    /// Whether a new device can be made of the members, as far as that can be told before anything
    /// is written: what they carry does not count. Blocks.
    ///
    /// @throws IOException if not, as [#assemble] would say it
    default void checkNew(
            List<LayoutMember> members, List<LayoutMember> spares, LayoutContext context)
            throws IOException {}
}
