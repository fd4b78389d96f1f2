package org.unifiedvolume.raid.bitmap;

import java.util.BitSet;
import java.util.UUID;

/// Blocks of a bitmap as they are when nothing is dirty.
public final class CleanBlocks {
    private CleanBlocks() {}

    /// The bytes of consecutive blocks of an array's bitmap.
    public static byte[] of(UUID array, int first, int count) {
        return BitmapBlocks.encode(array, first, count, new BitSet());
    }
}
