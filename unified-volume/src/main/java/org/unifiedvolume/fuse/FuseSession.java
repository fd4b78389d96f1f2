package org.unifiedvolume.fuse;

import org.unifiedvolume.transport.ProtocolFault;

/// What was agreed with the kernel in INIT.
///
/// @param minorVersion the lower of both sides' minor versions
/// @param flags the first 32 flags that both sides know
/// @param flags2 the next 32
/// @param maxTransferBytes the longest read or write
/// @param maxReadaheadBytes as the kernel asked: only files mapped into memory are read ahead
record FuseSession(
        int minorVersion, int flags, int flags2, int maxTransferBytes, int maxReadaheadBytes) {
    /// How many requests that nobody waits for (asynchronous direct I/O is such) the kernel sends
    /// before it holds them back.
    static final int MAX_BACKGROUND = 256;

    static final int CONGESTION_THRESHOLD = 192;

    /// The longest transfer that Linux grants: 256 pages.
    static final int MOST_TRANSFER_BYTES = 1 << 20;

    private static final int PAGE_BYTES = 4096;
    private static final int WANTED =
            Fuse.INIT_ASYNC_READ
                    | Fuse.INIT_BIG_WRITES
                    | Fuse.INIT_ASYNC_DIO
                    | Fuse.INIT_MAX_PAGES
                    | Fuse.INIT_EXT;
    private static final int WANTED2 = Fuse.INIT2_DIRECT_IO_ALLOW_MMAP;

    /// Chooses from what the kernel offers.
    ///
    /// @param init an INIT request that was decoded
    /// @param volumeTransferBytes the longest transfer that the volume takes
    /// @throws ProtocolFault if the kernel speaks another protocol
    static FuseSession agree(FuseRequest init, long volumeTransferBytes) throws ProtocolFault {
        int major = init.argumentInt(0);
        int minor = init.argumentInt(4);
        if (major != Fuse.KERNEL_VERSION || minor < Fuse.LEAST_MINOR_VERSION) {
            throw new ProtocolFault(
                    "FUSE, INIT",
                    "the kernel speaks version %d.%d; 7.%d or later is needed (Linux 4.20)"
                            .formatted(major, minor, Fuse.LEAST_MINOR_VERSION));
        }
        int offered = init.argumentInt(12);
        boolean extended = (offered & Fuse.INIT_EXT) != 0 && init.hasArguments(20);
        int flags = offered & (extended ? WANTED : WANTED & ~Fuse.INIT_EXT);
        int flags2 = extended ? init.argumentInt(16) & WANTED2 : 0;
        return new FuseSession(
                Math.min(minor, Fuse.KERNEL_MINOR_VERSION),
                flags,
                flags2,
                transferBytes(volumeTransferBytes),
                init.argumentInt(8));
    }

    /// The longest transfer of a file whose volume takes `volumeTransferBytes` at once.
    static int transferBytes(long volumeTransferBytes) {
        long whole = volumeTransferBytes / PAGE_BYTES * PAGE_BYTES;
        return Math.clamp(whole, PAGE_BYTES, MOST_TRANSFER_BYTES);
    }

    int maxPages() {
        return maxTransferBytes / PAGE_BYTES;
    }
}
