package org.unifiedvolume.targets.nbd.wire;

/// The numbers of the NBD protocol, under the names that the standard gives them (section
/// "Values").
public final class Nbd {
    public static final int DEFAULT_PORT = 10809;

    public static final long NBDMAGIC = 0x4e42444d41474943L;
    public static final long IHAVEOPT = 0x49484156454f5054L;
    public static final long CLISERV_MAGIC = 0x00420281861253L;
    public static final long OPTION_REPLY_MAGIC = 0x3e889045565a9L;
    public static final int REQUEST_MAGIC = 0x25609513;
    public static final int EXTENDED_REQUEST_MAGIC = 0x21e41c71;
    public static final int SIMPLE_REPLY_MAGIC = 0x67446698;
    public static final int STRUCTURED_REPLY_MAGIC = 0x668e33ef;
    public static final int EXTENDED_REPLY_MAGIC = 0x6e8a278c;

    public static final int COMPACT_REQUEST_BYTES = 28;
    public static final int EXTENDED_REQUEST_BYTES = 32;
    public static final int SIMPLE_REPLY_BYTES = 16;
    public static final int STRUCTURED_REPLY_BYTES = 20;
    public static final int EXTENDED_REPLY_BYTES = 32;
    public static final int OPTION_BYTES = 16;
    public static final int OPTION_REPLY_BYTES = 20;

    /// The longest string of the protocol (section "String rules").
    public static final int MAX_STRING_BYTES = 4096;

    /// The payload size that every peer takes (section "Size constraints").
    public static final int MAX_PAYLOAD_BYTES = 32 << 20;

    public static final int FLAG_FIXED_NEWSTYLE = 1;
    public static final int FLAG_NO_ZEROES = 1 << 1;

    public static final int FLAG_HAS_FLAGS = 1;
    public static final int FLAG_READ_ONLY = 1 << 1;
    public static final int FLAG_SEND_FLUSH = 1 << 2;
    public static final int FLAG_SEND_FUA = 1 << 3;
    public static final int FLAG_ROTATIONAL = 1 << 4;
    public static final int FLAG_SEND_TRIM = 1 << 5;
    public static final int FLAG_SEND_WRITE_ZEROES = 1 << 6;
    public static final int FLAG_SEND_DF = 1 << 7;
    public static final int FLAG_CAN_MULTI_CONN = 1 << 8;
    public static final int FLAG_SEND_CACHE = 1 << 10;
    public static final int FLAG_SEND_FAST_ZERO = 1 << 11;
    public static final int FLAG_BLOCK_STATUS_PAYLOAD = 1 << 12;

    public static final int OPT_EXPORT_NAME = 1;
    public static final int OPT_ABORT = 2;
    public static final int OPT_LIST = 3;
    public static final int OPT_STARTTLS = 5;
    public static final int OPT_INFO = 6;
    public static final int OPT_GO = 7;
    public static final int OPT_STRUCTURED_REPLY = 8;
    public static final int OPT_LIST_META_CONTEXT = 9;
    public static final int OPT_SET_META_CONTEXT = 10;
    public static final int OPT_EXTENDED_HEADERS = 11;

    public static final int REP_ACK = 1;
    public static final int REP_SERVER = 2;
    public static final int REP_INFO = 3;
    public static final int REP_META_CONTEXT = 4;
    public static final int REP_ERROR_BIT = 1 << 31;
    public static final int REP_ERR_UNSUP = REP_ERROR_BIT | 1;
    public static final int REP_ERR_POLICY = REP_ERROR_BIT | 2;
    public static final int REP_ERR_INVALID = REP_ERROR_BIT | 3;
    public static final int REP_ERR_PLATFORM = REP_ERROR_BIT | 4;
    public static final int REP_ERR_TLS_REQD = REP_ERROR_BIT | 5;
    public static final int REP_ERR_UNKNOWN = REP_ERROR_BIT | 6;
    public static final int REP_ERR_SHUTDOWN = REP_ERROR_BIT | 7;
    public static final int REP_ERR_BLOCK_SIZE_REQD = REP_ERROR_BIT | 8;
    public static final int REP_ERR_TOO_BIG = REP_ERROR_BIT | 9;
    public static final int REP_ERR_EXT_HEADER_REQD = REP_ERROR_BIT | 10;

    public static final int INFO_EXPORT = 0;
    public static final int INFO_NAME = 1;
    public static final int INFO_DESCRIPTION = 2;
    public static final int INFO_BLOCK_SIZE = 3;

    public static final int CMD_READ = 0;
    public static final int CMD_WRITE = 1;
    public static final int CMD_DISC = 2;
    public static final int CMD_FLUSH = 3;
    public static final int CMD_TRIM = 4;
    public static final int CMD_CACHE = 5;
    public static final int CMD_WRITE_ZEROES = 6;
    public static final int CMD_BLOCK_STATUS = 7;

    public static final int CMD_FLAG_FUA = 1;
    public static final int CMD_FLAG_NO_HOLE = 1 << 1;
    public static final int CMD_FLAG_DF = 1 << 2;
    public static final int CMD_FLAG_REQ_ONE = 1 << 3;
    public static final int CMD_FLAG_FAST_ZERO = 1 << 4;
    public static final int CMD_FLAG_PAYLOAD_LEN = 1 << 5;

    public static final int REPLY_FLAG_DONE = 1;
    public static final int REPLY_TYPE_NONE = 0;
    public static final int REPLY_TYPE_OFFSET_DATA = 1;
    public static final int REPLY_TYPE_OFFSET_HOLE = 2;
    public static final int REPLY_TYPE_BLOCK_STATUS = 5;
    public static final int REPLY_TYPE_BLOCK_STATUS_EXT = 6;
    public static final int REPLY_TYPE_ERROR_BIT = 1 << 15;
    public static final int REPLY_TYPE_ERROR = REPLY_TYPE_ERROR_BIT | 1;
    public static final int REPLY_TYPE_ERROR_OFFSET = REPLY_TYPE_ERROR_BIT | 2;

    public static final int STATE_HOLE = 1;
    public static final int STATE_ZERO = 1 << 1;

    public static final String CONTEXT_ALLOCATION = "base:allocation";

    /// Our own context: where an extent lives. Status 0 is local, 1 remote, 2 mixed. Namespaces
    /// that are not registered start with `x-` (section "Metadata querying").
    public static final String CONTEXT_LOCALITY = "x-uvol:locality";

    private Nbd() {}

    /// The name of a command, for messages.
    public static String commandName(int type) {
        return switch (type) {
            case CMD_READ -> "READ";
            case CMD_WRITE -> "WRITE";
            case CMD_DISC -> "DISC";
            case CMD_FLUSH -> "FLUSH";
            case CMD_TRIM -> "TRIM";
            case CMD_CACHE -> "CACHE";
            case CMD_WRITE_ZEROES -> "WRITE_ZEROES";
            case CMD_BLOCK_STATUS -> "BLOCK_STATUS";
            default -> "command " + type;
        };
    }

    /// The name of an option, for messages.
    public static String optionName(int option) {
        return switch (option) {
            case OPT_EXPORT_NAME -> "EXPORT_NAME";
            case OPT_ABORT -> "ABORT";
            case OPT_LIST -> "LIST";
            case OPT_STARTTLS -> "STARTTLS";
            case OPT_INFO -> "INFO";
            case OPT_GO -> "GO";
            case OPT_STRUCTURED_REPLY -> "STRUCTURED_REPLY";
            case OPT_LIST_META_CONTEXT -> "LIST_META_CONTEXT";
            case OPT_SET_META_CONTEXT -> "SET_META_CONTEXT";
            case OPT_EXTENDED_HEADERS -> "EXTENDED_HEADERS";
            default -> "option " + option;
        };
    }

    /// The meaning of an option's error reply, for messages.
    public static String optionError(int reply) {
        return switch (reply) {
            case REP_ERR_UNSUP -> "the server does not know the option";
            case REP_ERR_POLICY -> "the server's policy forbids it";
            case REP_ERR_INVALID -> "the server calls the option invalid";
            case REP_ERR_PLATFORM -> "the server's platform does not support it";
            case REP_ERR_TLS_REQD -> "the server wants TLS";
            case REP_ERR_UNKNOWN -> "the server has no such export";
            case REP_ERR_SHUTDOWN -> "the server is shutting down";
            case REP_ERR_BLOCK_SIZE_REQD -> "the server wants block sizes to be negotiated";
            case REP_ERR_TOO_BIG -> "the server calls the option too big";
            case REP_ERR_EXT_HEADER_REQD -> "the server wants extended headers";
            default -> "the server answered error %d".formatted(reply & ~REP_ERROR_BIT);
        };
    }
}
