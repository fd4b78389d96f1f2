package org.unifiedvolume.raid.superblock;

import java.io.IOException;

/// An array cannot be put together from the members that are here; says why and what to do.
public final class AssemblyFault extends IOException {
    private static final long serialVersionUID = 1;

    AssemblyFault(String message) {
        super(message);
    }
}
