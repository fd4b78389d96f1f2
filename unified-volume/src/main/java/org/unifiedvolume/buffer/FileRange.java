package org.unifiedvolume.buffer;

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
public record FileRange(SharedDescriptor file, long offsetBytes, int lengthBytes) {
    public void release() {
        file.release();
    }
}
