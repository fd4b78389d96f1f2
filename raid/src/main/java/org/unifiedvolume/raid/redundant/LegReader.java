package org.unifiedvolume.raid.redundant;

import java.io.IOException;

/// Looks at the member of a leg that is to be taken in again.
interface LegReader {
    /// What a returning leg is made of.
    ///
    /// @param member opened, with the place of its data
    /// @param isKnown whether it holds everything that it held when the array last saw it
    record Returned(LegMember member, boolean isKnown) {}

    /// Opens the member anew if need be, and reads its superblock. Blocks.
    ///
    /// @throws IOException if it cannot be had, or must not be taken in, with the remedy
    Returned read(Leg leg) throws IOException, InterruptedException;
}
