package org.unifiedvolume.buffer;

import org.unifiedvolume.Invariant;
import org.unifiedvolume.linux.SharedDescriptor;

/// Bytes that lie in the kernel's cache of an open file: a payload by reference that never passes
/// through memory of this process.
///
/// The bytes are those that the file holds when they are sent, not when they were asked for. The
/// holder of the range owns one reference to the file.
///
/// @param file the open file
/// @param offsetBytes where in the file the range starts
/// @param lengthBytes how long it is
/// @param whenReleased run when nobody needs the bytes any more; null for nothing
public record FileRange(
        SharedDescriptor file, long offsetBytes, int lengthBytes, Runnable whenReleased) {
    public FileRange(SharedDescriptor file, long offsetBytes, int lengthBytes) {
        this(file, offsetBytes, lengthBytes, null);
    }

    /// The same range, of which something is run when nobody needs the bytes any more. Takes over
    /// the reference.
    public FileRange releasing(Runnable then) {
        Invariant.check(whenReleased == null, "a range that two wait for");
        return new FileRange(file, offsetBytes, lengthBytes, then);
    }

    public void release() {
        file.release();
        if (whenReleased != null) {
            whenReleased.run();
        }
    }
}
