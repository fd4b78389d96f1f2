package org.unifiedvolume.targets.nbd.export;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.device.Timers;
import org.unifiedvolume.targets.nbd.export.Negotiated.Replies;
import org.unifiedvolume.targets.nbd.wire.Nbd;
import org.unifiedvolume.targets.nbd.wire.OptionReader;
import org.unifiedvolume.transport.Inbox;
import org.unifiedvolume.transport.Outbox;
import org.unifiedvolume.transport.ProtocolFault;

/// The handshake of one client: fixed newstyle negotiation (section "Fixed newstyle negotiation").
final class NbdHandshake implements NbdConnection.Phase {
    private static final Logger LOG = LoggerFactory.getLogger(NbdHandshake.class);
    private static final int MAX_CONTEXT_QUERIES = 64;
    private static final int ZERO_PADDING_BYTES = 124;

    private final NbdConnection connection;
    private final Inbox in;
    private final Outbox out;
    private final Timers.Cancellable timeout;
    private boolean flagsReceived;
    private boolean noZeroes;
    private boolean encrypted;
    private Replies replies = Replies.SIMPLE;
    private Set<MetaContext> contexts = EnumSet.noneOf(MetaContext.class);
    private String contextsExport;
    private int optionCount;
    private long toDrain;

    NbdHandshake(NbdConnection connection) {
        this.connection = connection;
        this.in = connection.stream().inbox();
        this.out = connection.stream().outbox();
        this.timeout =
                connection.stream()
                        .loop()
                        .after(
                                connection.server().limits().handshakeNanos(),
                                () -> connection.stream().close("the handshake took too long"));
    }

    /// Greets the client.
    void start() {
        out.header(18)
                .putLong(Nbd.NBDMAGIC)
                .putLong(Nbd.IHAVEOPT)
                .putShort(Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES);
        connection.stream().flush();
    }

    @Override
    public void received() throws ProtocolFault {
        if (!flagsReceived) {
            if (!in.has(4)) {
                return;
            }
            readClientFlags();
        }
        while (connection.stream().isOpen()) {
            if (toDrain > 0) {
                toDrain -= in.skipUpTo(toDrain);
                if (toDrain > 0) {
                    return;
                }
            }
            if (!in.has(Nbd.OPTION_BYTES)) {
                return;
            }
            if (!readOption()) {
                return;
            }
        }
    }

    private void readClientFlags() throws ProtocolFault {
        int flags = in.intAt(0);
        in.skip(4);
        if ((flags & ~(Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES)) != 0) {
            throw new ProtocolFault("NBD, client flags", "unknown flags 0x%08x".formatted(flags));
        }
        noZeroes = (flags & Nbd.FLAG_NO_ZEROES) != 0;
        flagsReceived = true;
    }

    /// Handles one option.
    ///
    /// @return false if the option has not wholly arrived, or if it was the last
    private boolean readOption() throws ProtocolFault {
        if (in.longAt(0) != Nbd.IHAVEOPT) {
            throw new ProtocolFault(
                    "NBD, newstyle negotiation",
                    "an option starts with 0x%016x".formatted(in.longAt(0)));
        }
        int option = in.intAt(8);
        long length = Integer.toUnsignedLong(in.intAt(12));
        NbdLimits limits = connection.server().limits();
        if (optionCount >= limits.options()) {
            throw new ProtocolFault("NBD, newstyle negotiation", "too many options");
        }
        if (length > limits.optionBytes()) {
            if (length > limits.payloadBytes() || option == Nbd.OPT_EXPORT_NAME) {
                throw new ProtocolFault(
                        "NBD, newstyle negotiation",
                        "%s brings %d bytes".formatted(Nbd.optionName(option), length));
            }
            in.skip(Nbd.OPTION_BYTES);
            toDrain = length;
            optionCount++;
            reject(
                    option,
                    Nbd.REP_ERR_TOO_BIG,
                    "options have at most %d bytes here".formatted(limits.optionBytes()));
            return true;
        }
        if (!in.has(Nbd.OPTION_BYTES + (int) length)) {
            return false;
        }
        optionCount++;
        byte[] data = in.bytesAt(Nbd.OPTION_BYTES, (int) length);
        in.skip(Nbd.OPTION_BYTES + (int) length);
        return handle(option, data);
    }

    private boolean handle(int option, byte[] data) throws ProtocolFault {
        NbdTls tls = connection.server().tls();
        if (tls != null && tls.required() && !encrypted && !isAllowedInTheClear(option)) {
            if (option == Nbd.OPT_EXPORT_NAME) {
                // This option has no error reply.
                connection.stream().close("the client did not start TLS");
                return false;
            }
            reject(option, Nbd.REP_ERR_TLS_REQD, "this server wants TLS");
            return true;
        }
        try {
            switch (option) {
                case Nbd.OPT_EXPORT_NAME -> {
                    return exportName(data);
                }
                case Nbd.OPT_ABORT -> {
                    acknowledge(option);
                    connection.stream().close("the client ended the handshake");
                    return false;
                }
                case Nbd.OPT_LIST -> list(data);
                case Nbd.OPT_STARTTLS -> {
                    return startTls(data);
                }
                case Nbd.OPT_INFO, Nbd.OPT_GO -> {
                    return infoOrGo(option, data);
                }
                case Nbd.OPT_STRUCTURED_REPLY -> structuredReply(data);
                case Nbd.OPT_EXTENDED_HEADERS -> extendedHeaders(data);
                case Nbd.OPT_LIST_META_CONTEXT, Nbd.OPT_SET_META_CONTEXT ->
                        metaContext(option, data);
                default -> reject(option, Nbd.REP_ERR_UNSUP, "unknown option");
            }
        } catch (ProtocolFault e) {
            reject(option, Nbd.REP_ERR_INVALID, e.getMessage());
        }
        return true;
    }

    private static boolean isAllowedInTheClear(int option) {
        return option == Nbd.OPT_STARTTLS || option == Nbd.OPT_ABORT;
    }

    /// Goes on encrypted. Nothing that was negotiated before counts afterwards.
    private boolean startTls(byte[] data) throws ProtocolFault {
        new OptionReader("NBD_OPT_STARTTLS", data).end();
        NbdTls tls = connection.server().tls();
        if (tls == null) {
            reject(Nbd.OPT_STARTTLS, Nbd.REP_ERR_POLICY, "this server does not offer TLS");
            return true;
        }
        if (encrypted) {
            reject(Nbd.OPT_STARTTLS, Nbd.REP_ERR_INVALID, "TLS has been started already");
            return true;
        }
        acknowledge(Nbd.OPT_STARTTLS);
        encrypted = true;
        replies = Replies.SIMPLE;
        contexts = EnumSet.noneOf(MetaContext.class);
        contextsExport = null;
        try {
            connection.stream().startTls(tls.settings(), false);
            return true;
        } catch (IOException e) {
            LOG.warn("{}: {}", connection.peer(), e.getMessage());
            connection.stream().close(e.getMessage());
            return false;
        }
    }

    private boolean exportName(byte[] data) throws ProtocolFault {
        // This option has no error reply: whatever is wrong ends the connection.
        if (replies == Replies.EXTENDED) {
            throw new ProtocolFault(
                    "NBD_OPT_EXPORT_NAME", "it may not follow NBD_OPT_EXTENDED_HEADERS");
        }
        String name = new OptionReader("NBD_OPT_EXPORT_NAME", data).readRest();
        NbdExport export = connection.server().find(name);
        if (export == null || export.minimumBlockBytes() > 1) {
            connection.stream()
                    .close(
                            export == null
                                    ? "the client asked for \"%s\", which is not here"
                                            .formatted(name)
                                    : "the client cannot learn the block size");
            return false;
        }
        Negotiated negotiated = negotiated(name);
        out.header(10).putLong(export.shape().sizeBytes()).putShort(flags(export, negotiated));
        if (!noZeroes) {
            out.header(ZERO_PADDING_BYTES).putBytes(new byte[ZERO_PADDING_BYTES]);
        }
        finish(export, negotiated);
        return false;
    }

    private void list(byte[] data) throws ProtocolFault {
        new OptionReader("NBD_OPT_LIST", data).end();
        for (NbdExport export : connection.server().list()) {
            byte[] name = export.name().getBytes(StandardCharsets.UTF_8);
            byte[] description = export.description().getBytes(StandardCharsets.UTF_8);
            reply(Nbd.OPT_LIST, Nbd.REP_SERVER, 4 + name.length + description.length);
            out.header(4).putInt(name.length);
            out.putAll(name);
            out.putAll(description);
        }
        acknowledge(Nbd.OPT_LIST);
    }

    private boolean infoOrGo(int option, byte[] data) throws ProtocolFault {
        OptionReader reader = new OptionReader("NBD_OPT_" + Nbd.optionName(option), data);
        String name = reader.readString();
        int count = reader.readShort();
        Set<Integer> wanted = new HashSet<>();
        for (int i = 0; i < count; i++) {
            wanted.add(reader.readShort());
        }
        reader.end();
        NbdExport export = connection.server().find(name);
        if (export == null) {
            reject(option, Nbd.REP_ERR_UNKNOWN, "there is no export \"%s\" here".formatted(name));
            return true;
        }
        Negotiated negotiated = negotiated(name);
        inform(option, export, negotiated, wanted);
        boolean knowsBlocks =
                wanted.contains(Nbd.INFO_BLOCK_SIZE) || export.minimumBlockBytes() == 1;
        if (option == Nbd.OPT_GO && !knowsBlocks) {
            reject(
                    option,
                    Nbd.REP_ERR_BLOCK_SIZE_REQD,
                    "the export's blocks have %d bytes; ask for NBD_INFO_BLOCK_SIZE"
                            .formatted(export.minimumBlockBytes()));
            return true;
        }
        acknowledge(option);
        if (option == Nbd.OPT_GO) {
            finish(export, negotiated);
            return false;
        }
        return true;
    }

    private void inform(int option, NbdExport export, Negotiated negotiated, Set<Integer> wanted) {
        reply(option, Nbd.REP_INFO, 12);
        out.header(12)
                .putShort(Nbd.INFO_EXPORT)
                .putLong(export.shape().sizeBytes())
                .putShort(flags(export, negotiated));
        if (wanted.contains(Nbd.INFO_BLOCK_SIZE) || export.minimumBlockBytes() > 1) {
            reply(option, Nbd.REP_INFO, 14);
            out.header(14)
                    .putShort(Nbd.INFO_BLOCK_SIZE)
                    .putInt(export.minimumBlockBytes())
                    .putInt(export.preferredBlockBytes())
                    .putInt(export.payloadBytes(connection.server().limits()));
        }
        if (wanted.contains(Nbd.INFO_NAME)) {
            informText(option, Nbd.INFO_NAME, export.name());
        }
        if (wanted.contains(Nbd.INFO_DESCRIPTION)) {
            informText(option, Nbd.INFO_DESCRIPTION, export.description());
        }
    }

    private void informText(int option, int information, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        reply(option, Nbd.REP_INFO, 2 + bytes.length);
        out.header(2).putShort(information);
        out.putAll(bytes);
    }

    private void structuredReply(byte[] data) throws ProtocolFault {
        new OptionReader("NBD_OPT_STRUCTURED_REPLY", data).end();
        if (replies == Replies.EXTENDED) {
            reject(
                    Nbd.OPT_STRUCTURED_REPLY,
                    Nbd.REP_ERR_EXT_HEADER_REQD,
                    "extended headers were agreed on before");
            return;
        }
        replies = Replies.STRUCTURED;
        acknowledge(Nbd.OPT_STRUCTURED_REPLY);
    }

    private void extendedHeaders(byte[] data) throws ProtocolFault {
        new OptionReader("NBD_OPT_EXTENDED_HEADERS", data).end();
        replies = Replies.EXTENDED;
        acknowledge(Nbd.OPT_EXTENDED_HEADERS);
    }

    private void metaContext(int option, byte[] data) throws ProtocolFault {
        boolean sets = option == Nbd.OPT_SET_META_CONTEXT;
        if (sets) {
            contexts = EnumSet.noneOf(MetaContext.class);
            contextsExport = null;
        }
        if (replies == Replies.SIMPLE) {
            reject(option, Nbd.REP_ERR_INVALID, "ask for structured replies first");
            return;
        }
        OptionReader reader = new OptionReader("NBD_OPT_" + Nbd.optionName(option), data);
        String name = reader.readString();
        int count = reader.readInt();
        if (count < 0 || count > MAX_CONTEXT_QUERIES) {
            reject(
                    option,
                    Nbd.REP_ERR_TOO_BIG,
                    "at most %d queries".formatted(MAX_CONTEXT_QUERIES));
            return;
        }
        Set<MetaContext> found = EnumSet.noneOf(MetaContext.class);
        if (!sets && count == 0) {
            found.addAll(List.of(MetaContext.values()));
        }
        for (int i = 0; i < count; i++) {
            String query = reader.readString();
            for (MetaContext context : MetaContext.values()) {
                if (sets ? query.equals(context.fullName()) : context.isListedBy(query)) {
                    found.add(context);
                }
            }
        }
        reader.end();
        if (connection.server().find(name) == null) {
            reject(option, Nbd.REP_ERR_UNKNOWN, "there is no export \"%s\" here".formatted(name));
            return;
        }
        for (MetaContext context : found) {
            byte[] fullName = context.fullName().getBytes(StandardCharsets.UTF_8);
            reply(option, Nbd.REP_META_CONTEXT, 4 + fullName.length);
            out.header(4 + fullName.length).putInt(sets ? context.id() : 0).putBytes(fullName);
        }
        if (sets) {
            contexts = found;
            contextsExport = name;
        }
        acknowledge(option);
    }

    /// What holds for the transmission phase on an export. Contexts selected for another export do
    /// not count.
    private Negotiated negotiated(String name) {
        boolean hold = name.equals(contextsExport);
        return new Negotiated(
                replies, hold ? EnumSet.copyOf(contexts) : EnumSet.noneOf(MetaContext.class));
    }

    private static int flags(NbdExport export, Negotiated negotiated) {
        return export.transmissionFlags(
                negotiated.isChunked(),
                negotiated.isExtended() && !negotiated.contexts().isEmpty());
    }

    private void finish(NbdExport export, Negotiated negotiated) {
        timeout.cancel();
        connection.transmit(export, negotiated);
    }

    private void acknowledge(int option) {
        reply(option, Nbd.REP_ACK, 0);
    }

    private void reject(int option, int error, String message) {
        byte[] text = message.getBytes(StandardCharsets.UTF_8);
        reply(option, error, text.length);
        out.putAll(text);
    }

    private void reply(int option, int type, int length) {
        out.header(Nbd.OPTION_REPLY_BYTES)
                .putLong(Nbd.OPTION_REPLY_MAGIC)
                .putInt(option)
                .putInt(type)
                .putInt(length);
    }

    @Override
    public void drained() {}

    @Override
    public void stop() {
        connection.stream().close("the server is being stopped");
    }

    @Override
    public void closed() {
        timeout.cancel();
    }
}
