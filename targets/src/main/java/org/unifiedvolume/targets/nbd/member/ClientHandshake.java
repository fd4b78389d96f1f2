package org.unifiedvolume.targets.nbd.member;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.targets.nbd.wire.Nbd;
import org.unifiedvolume.targets.nbd.wire.OptionReader;
import org.unifiedvolume.transport.ByteStream;
import org.unifiedvolume.transport.Inbox;
import org.unifiedvolume.transport.Outbox;
import org.unifiedvolume.transport.ProtocolFault;
import org.unifiedvolume.transport.TlsSettings;

/// A client's side of the handshake: TLS if wanted, extended headers or structured replies, the
/// allocation context, then GO (or a list of exports).
///
/// Options are sent one at a time, each after the answer to the one before. A server that does not
/// know an option is used without it.
final class ClientHandshake {
    /// The longest option reply that is taken; the standard's strings end at 4096 bytes.
    private static final int MAX_REPLY_BYTES = 64 * 1024;

    private static final int MAX_REPLIES = 100_000;
    private static final int ZERO_PADDING_BYTES = 124;

    /// What the client is after.
    enum Goal {
        /// To use an export.
        TRANSMIT,
        /// To learn the names of all exports.
        LIST,
        /// To learn about one export without using it.
        INFORM
    }

    /// One export that a server lists.
    record Listed(String name, String description) {}

    private enum Step {
        GREETING,
        START_TLS,
        EXTENDED_HEADERS,
        STRUCTURED_REPLY,
        META_CONTEXT,
        INFO,
        GO,
        EXPORT_NAME,
        LIST,
        DONE
    }

    private final ByteStream stream;
    private final Inbox in;
    private final Outbox out;
    private final String exportName;
    private final TlsSettings tls;
    private final Goal goal;
    private Step step = Step.GREETING;
    private int repliesSeen;

    private boolean noZeroes;
    private boolean extended;
    private boolean structured;
    private int allocationContext = -1;
    private boolean exportSeen;
    private long sizeBytes;
    private int flags;
    private int minimumBlock = 1;
    private int preferredBlock = 4096;
    private long maximumPayload = Nbd.MAX_PAYLOAD_BYTES;
    private final List<Listed> listed = new ArrayList<>();

    /// @param tls how to encrypt; null for a plain stream
    ClientHandshake(ByteStream stream, String exportName, TlsSettings tls, Goal goal) {
        this.stream = stream;
        this.in = stream.inbox();
        this.out = stream.outbox();
        this.exportName = exportName;
        this.tls = tls;
        this.goal = goal;
    }

    /// Goes on with what has arrived.
    ///
    /// @return whether the goal is reached; for [Goal#TRANSMIT] the transmission phase has begun
    /// @throws ProtocolFault if the server breaks the protocol
    /// @throws IOException if it refuses
    boolean received() throws ProtocolFault, IOException {
        while (step != Step.DONE) {
            boolean moved =
                    switch (step) {
                        case GREETING -> readGreeting();
                        case EXPORT_NAME -> readExportNameReply();
                        case START_TLS,
                                EXTENDED_HEADERS,
                                STRUCTURED_REPLY,
                                META_CONTEXT,
                                INFO,
                                GO,
                                LIST ->
                                readOptionReply();
                        case DONE -> true;
                    };
            if (!moved) {
                break;
            }
        }
        stream.flushAtEnd();
        return step == Step.DONE;
    }

    ExportInfo info() {
        return new ExportInfo(
                sizeBytes,
                flags,
                minimumBlock,
                preferredBlock,
                maximumPayload,
                extended,
                structured,
                allocationContext);
    }

    List<Listed> listed() {
        return listed;
    }

    private boolean readGreeting() throws ProtocolFault {
        if (!in.has(16)) {
            return false;
        }
        if (in.longAt(0) != Nbd.NBDMAGIC) {
            throw new ProtocolFault("NBD, newstyle negotiation", "the peer is not an NBD server");
        }
        if (in.longAt(8) == Nbd.CLISERV_MAGIC) {
            throw new ProtocolFault(
                    "NBD, oldstyle negotiation",
                    "the server speaks the old protocol only; serve the export by a newer one");
        }
        if (in.longAt(8) != Nbd.IHAVEOPT) {
            throw new ProtocolFault("NBD, newstyle negotiation", "the peer is not an NBD server");
        }
        if (!in.has(18)) {
            return false;
        }
        int serverFlags = in.shortAt(16);
        in.skip(18);
        if ((serverFlags & Nbd.FLAG_FIXED_NEWSTYLE) == 0) {
            throw new ProtocolFault(
                    "NBD, newstyle negotiation", "the server does not know fixed newstyle");
        }
        noZeroes = (serverFlags & Nbd.FLAG_NO_ZEROES) != 0;
        out.header(4).putInt(Nbd.FLAG_FIXED_NEWSTYLE | (noZeroes ? Nbd.FLAG_NO_ZEROES : 0));
        if (tls != null) {
            ask(Step.START_TLS, Nbd.OPT_STARTTLS, new byte[0]);
        } else {
            begin();
        }
        return true;
    }

    /// The first option that is about exports.
    private void begin() {
        if (goal == Goal.LIST) {
            ask(Step.LIST, Nbd.OPT_LIST, new byte[0]);
        } else {
            ask(Step.EXTENDED_HEADERS, Nbd.OPT_EXTENDED_HEADERS, new byte[0]);
        }
    }

    private void ask(Step next, int option, byte[] data) {
        step = next;
        out.header(Nbd.OPTION_BYTES).putLong(Nbd.IHAVEOPT).putInt(option).putInt(data.length);
        out.putAll(data);
        stream.flushAtEnd();
    }

    private boolean readOptionReply() throws ProtocolFault, IOException {
        if (!in.has(Nbd.OPTION_REPLY_BYTES)) {
            return false;
        }
        if (in.longAt(0) != Nbd.OPTION_REPLY_MAGIC) {
            throw new ProtocolFault(
                    "NBD, option haggling", "a reply starts with 0x%016x".formatted(in.longAt(0)));
        }
        int option = in.intAt(8);
        int type = in.intAt(12);
        long length = Integer.toUnsignedLong(in.intAt(16));
        if (option != optionOf(step)) {
            throw new ProtocolFault(
                    "NBD, option haggling",
                    "the reply to %s names %s"
                            .formatted(Nbd.optionName(optionOf(step)), Nbd.optionName(option)));
        }
        if (length > MAX_REPLY_BYTES || ++repliesSeen > MAX_REPLIES) {
            throw new ProtocolFault(
                    "NBD, option haggling",
                    "the reply to %s is too long".formatted(Nbd.optionName(option)));
        }
        if (!in.has(Nbd.OPTION_REPLY_BYTES + (int) length)) {
            return false;
        }
        byte[] data = in.bytesAt(Nbd.OPTION_REPLY_BYTES, (int) length);
        in.skip(Nbd.OPTION_REPLY_BYTES + (int) length);
        handle(type, data);
        return true;
    }

    private static int optionOf(Step step) {
        return switch (step) {
            case START_TLS -> Nbd.OPT_STARTTLS;
            case EXTENDED_HEADERS -> Nbd.OPT_EXTENDED_HEADERS;
            case STRUCTURED_REPLY -> Nbd.OPT_STRUCTURED_REPLY;
            case META_CONTEXT -> Nbd.OPT_SET_META_CONTEXT;
            case INFO -> Nbd.OPT_INFO;
            case GO -> Nbd.OPT_GO;
            case LIST -> Nbd.OPT_LIST;
            case GREETING, EXPORT_NAME, DONE -> 0;
        };
    }

    private void handle(int type, byte[] data) throws ProtocolFault, IOException {
        if (type == Nbd.REP_ERR_TLS_REQD) {
            throw new IOException(
                    "the server wants TLS; write nbds:// and, if its authority is not a public one,"
                            + " tls-certificates");
        }
        boolean acknowledged = type == Nbd.REP_ACK;
        switch (step) {
            case START_TLS -> {
                if (!acknowledged) {
                    throw new IOException("the server does not offer TLS: " + why(type, data));
                }
                stream.startTls(tls, true);
                begin();
            }
            case EXTENDED_HEADERS -> {
                extended = acknowledged;
                structured = acknowledged;
                if (acknowledged) {
                    askContext();
                } else {
                    ask(Step.STRUCTURED_REPLY, Nbd.OPT_STRUCTURED_REPLY, new byte[0]);
                }
            }
            case STRUCTURED_REPLY -> {
                structured = acknowledged;
                if (acknowledged) {
                    askContext();
                } else {
                    askExport();
                }
            }
            case META_CONTEXT -> handleContext(type, data);
            case INFO, GO -> handleInformation(type, data);
            case LIST -> handleList(type, data);
            case GREETING, EXPORT_NAME, DONE -> throw new AssertionError(step);
        }
    }

    private void askContext() {
        byte[] name = exportName.getBytes(StandardCharsets.UTF_8);
        byte[] query = Nbd.CONTEXT_ALLOCATION.getBytes(StandardCharsets.UTF_8);
        ask(
                Step.META_CONTEXT,
                Nbd.OPT_SET_META_CONTEXT,
                OptionWriter.start()
                        .putInt(name.length)
                        .putBytes(name)
                        .putInt(1)
                        .putInt(query.length)
                        .putBytes(query)
                        .toBytes());
    }

    private void handleContext(int type, byte[] data) throws ProtocolFault {
        if (type == Nbd.REP_META_CONTEXT) {
            OptionReader reader = new OptionReader("NBD_REP_META_CONTEXT", data);
            int id = reader.readInt();
            if (reader.readRest().equals(Nbd.CONTEXT_ALLOCATION)) {
                allocationContext = id;
            }
            return;
        }
        if (type != Nbd.REP_ACK) {
            allocationContext = -1;
        }
        askExport();
    }

    private void askExport() {
        byte[] name = exportName.getBytes(StandardCharsets.UTF_8);
        boolean go = goal == Goal.TRANSMIT;
        ask(
                go ? Step.GO : Step.INFO,
                go ? Nbd.OPT_GO : Nbd.OPT_INFO,
                OptionWriter.start()
                        .putInt(name.length)
                        .putBytes(name)
                        .putShort(1)
                        .putShort(Nbd.INFO_BLOCK_SIZE)
                        .toBytes());
    }

    private void handleInformation(int type, byte[] data) throws ProtocolFault, IOException {
        if (type == Nbd.REP_INFO) {
            readInformation(new OptionReader("NBD_REP_INFO", data));
        } else if (type == Nbd.REP_ACK) {
            if (!exportSeen) {
                throw new ProtocolFault("NBD_OPT_GO", "no NBD_INFO_EXPORT came before the end");
            }
            step = Step.DONE;
        } else if (type == Nbd.REP_ERR_UNSUP && goal == Goal.TRANSMIT && !extended) {
            byte[] name = exportName.getBytes(StandardCharsets.UTF_8);
            ask(Step.EXPORT_NAME, Nbd.OPT_EXPORT_NAME, name);
        } else {
            throw new IOException(
                    "the export \"%s\" is refused: %s".formatted(exportName, why(type, data)));
        }
    }

    private void readInformation(OptionReader reader) throws ProtocolFault {
        switch (reader.readShort()) {
            case Nbd.INFO_EXPORT -> {
                sizeBytes = reader.readLong();
                flags = reader.readShort();
                reader.end();
                checkSize();
                exportSeen = true;
            }
            case Nbd.INFO_BLOCK_SIZE -> {
                minimumBlock = reader.readInt();
                preferredBlock = reader.readInt();
                maximumPayload =
                        Math.min(Nbd.MAX_PAYLOAD_BYTES, Integer.toUnsignedLong(reader.readInt()));
                reader.end();
                checkBlocks();
            }
            default -> {
                // Unknown information is to be ignored.
            }
        }
    }

    private void checkSize() throws ProtocolFault {
        if (sizeBytes < 0) {
            throw new ProtocolFault(
                    "NBD_INFO_EXPORT",
                    "a size of %s bytes".formatted(Long.toUnsignedString(sizeBytes)));
        }
    }

    private void checkBlocks() throws ProtocolFault {
        boolean sane =
                Integer.bitCount(minimumBlock) == 1
                        && minimumBlock > 0
                        && minimumBlock <= 65_536
                        && Integer.bitCount(preferredBlock) == 1
                        && preferredBlock >= Math.max(512, minimumBlock)
                        && maximumPayload >= Math.min(preferredBlock, 1 << 20);
        if (!sane) {
            throw new ProtocolFault(
                    "NBD_INFO_BLOCK_SIZE",
                    "block sizes %d, %d and a payload of %d bytes"
                            .formatted(minimumBlock, preferredBlock, maximumPayload));
        }
    }

    private boolean readExportNameReply() throws ProtocolFault {
        int length = 10 + (noZeroes ? 0 : ZERO_PADDING_BYTES);
        if (!in.has(length)) {
            return false;
        }
        sizeBytes = in.longAt(0);
        flags = in.shortAt(8) & 0xffff;
        in.skip(length);
        checkSize();
        step = Step.DONE;
        return true;
    }

    private void handleList(int type, byte[] data) throws ProtocolFault, IOException {
        if (type == Nbd.REP_SERVER) {
            OptionReader reader = new OptionReader("NBD_REP_SERVER", data);
            listed.add(new Listed(reader.readString(), reader.readRest()));
        } else if (type == Nbd.REP_ACK) {
            step = Step.DONE;
        } else {
            throw new IOException("the server does not list its exports: " + why(type, data));
        }
    }

    private static String why(int type, byte[] data) {
        String text = new String(data, StandardCharsets.UTF_8).replaceAll("\\p{Cntrl}", " ");
        return text.isBlank() ? Nbd.optionError(type) : Nbd.optionError(type) + " (" + text + ")";
    }

    /// Says good-bye, for goals that do not lead to the transmission phase.
    void abort() {
        out.header(Nbd.OPTION_BYTES).putLong(Nbd.IHAVEOPT).putInt(Nbd.OPT_ABORT).putInt(0);
        stream.flush();
    }
}
