package org.unifiedvolume.raid;

import java.io.IOException;
import java.util.List;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.spi.LayoutMember;

/// Sees to it that members do not stay open when no array could be made of them.
final class Owned {
    private Owned() {}

    /// Makes an array.
    interface Maker {
        BlockDevice make() throws IOException;
    }

    /// Makes an array that owns its members; closes them if that fails.
    static BlockDevice assemble(List<LayoutMember> members, Maker maker) throws IOException {
        BlockDevice array = null;
        try {
            array = maker.make();
            return array;
        } finally {
            if (array == null) {
                for (LayoutMember member : members) {
                    if (!member.isMissing()) {
                        member.device().close();
                    }
                }
            }
        }
    }
}
