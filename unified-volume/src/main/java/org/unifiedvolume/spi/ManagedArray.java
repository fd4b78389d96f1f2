package org.unifiedvolume.spi;

import java.io.IOException;

/// An array whose members can be taken out and put back while it works.
public interface ManagedArray {
    /// Stops using a member, as if it had failed.
    ///
    /// @throws IOException if there is no such member, or the array cannot do without it
    void fail(String member) throws IOException;

    /// Takes a member in again that had been dropped.
    ///
    /// @param assumeClean the user vouches that the member holds the same bytes as the others
    /// @throws IOException if there is no such member, or it must not be trusted
    void readd(String member, boolean assumeClean) throws IOException;
}
