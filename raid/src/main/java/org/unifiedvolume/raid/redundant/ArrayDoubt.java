package org.unifiedvolume.raid.redundant;

import org.unifiedvolume.raid.integrity.Doubt;

/// What an unclean stop leaves to doubt: the dirty regions, until the resync has been there.
final class ArrayDoubt implements Doubt {
    private volatile RedundantArray array;

    /// Whose doubt it is; before that there is none, as nothing is read.
    void setArray(RedundantArray newArray) {
        array = newArray;
    }

    @Override
    public boolean isDoubtful(long row) {
        RedundantArray present = array;
        return present != null && present.isDoubtful(row);
    }
}
