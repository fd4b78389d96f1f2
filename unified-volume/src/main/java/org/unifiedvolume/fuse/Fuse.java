package org.unifiedvolume.fuse;

/// The numbers of the FUSE protocol, spelled as in the kernel's `include/uapi/linux/fuse.h`.
final class Fuse {
    static final int KERNEL_VERSION = 7;

    /// The version that this code speaks.
    static final int KERNEL_MINOR_VERSION = 45;

    /// Since 7.28 a request may be longer than 128 KiB (Linux 4.20).
    static final int LEAST_MINOR_VERSION = 28;

    /// The node id of the only file.
    static final long ROOT_ID = 1;

    static final int FORGET = 2;
    static final int GETATTR = 3;
    static final int SETATTR = 4;
    static final int OPEN = 14;
    static final int READ = 15;
    static final int WRITE = 16;
    static final int STATFS = 17;
    static final int RELEASE = 18;
    static final int FSYNC = 20;
    static final int GETXATTR = 22;
    static final int FLUSH = 25;
    static final int INIT = 26;
    static final int INTERRUPT = 36;
    static final int DESTROY = 38;
    static final int BATCH_FORGET = 42;
    static final int FALLOCATE = 43;
    static final int LSEEK = 46;

    /// `struct fuse_in_header`.
    static final int IN_HEADER_BYTES = 40;

    /// `struct fuse_out_header`.
    static final int OUT_HEADER_BYTES = 16;

    /// The header and the arguments of a WRITE; its payload follows.
    static final int WRITE_HEADER_BYTES = IN_HEADER_BYTES + 40;

    /// `struct fuse_attr`.
    static final int ATTR_BYTES = 88;

    static final int ATTR_OUT_BYTES = 16 + ATTR_BYTES;
    static final int OPEN_OUT_BYTES = 16;
    static final int INIT_OUT_BYTES = 64;
    static final int WRITE_OUT_BYTES = 8;
    static final int STATFS_OUT_BYTES = 80;
    static final int LSEEK_OUT_BYTES = 8;

    static final int INIT_ASYNC_READ = 1;
    static final int INIT_BIG_WRITES = 1 << 5;
    static final int INIT_ASYNC_DIO = 1 << 15;
    static final int INIT_MAX_PAGES = 1 << 22;
    static final int INIT_EXT = 1 << 30;

    /// In `flags2`: bit 36 of all flags.
    static final int INIT2_DIRECT_IO_ALLOW_MMAP = 1 << 4;

    static final int FOPEN_DIRECT_IO = 1;
    static final int FOPEN_PARALLEL_DIRECT_WRITES = 1 << 6;

    static final int FATTR_MODE = 1;
    static final int FATTR_UID = 1 << 1;
    static final int FATTR_GID = 1 << 2;
    static final int FATTR_SIZE = 1 << 3;
    static final int FATTR_ATIME = 1 << 4;
    static final int FATTR_MTIME = 1 << 5;
    static final int FATTR_ATIME_NOW = 1 << 7;
    static final int FATTR_MTIME_NOW = 1 << 8;

    /// The flags of `open(2)` that an OPEN and a WRITE carry.
    static final int O_ACCMODE = 3;

    static final int O_DSYNC = 0x1000;

    private Fuse() {}

    /// An operation's name, for messages.
    static String name(int opcode) {
        return switch (opcode) {
            case FORGET -> "FORGET";
            case GETATTR -> "GETATTR";
            case SETATTR -> "SETATTR";
            case OPEN -> "OPEN";
            case READ -> "READ";
            case WRITE -> "WRITE";
            case STATFS -> "STATFS";
            case RELEASE -> "RELEASE";
            case FSYNC -> "FSYNC";
            case GETXATTR -> "GETXATTR";
            case FLUSH -> "FLUSH";
            case INIT -> "INIT";
            case INTERRUPT -> "INTERRUPT";
            case DESTROY -> "DESTROY";
            case BATCH_FORGET -> "BATCH_FORGET";
            case FALLOCATE -> "FALLOCATE";
            case LSEEK -> "LSEEK";
            default -> "operation " + opcode;
        };
    }
}
