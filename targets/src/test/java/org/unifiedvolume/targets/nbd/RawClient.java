package org.unifiedvolume.targets.nbd;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.targets.nbd.wire.Nbd;

/// An NBD client that speaks byte by byte over a blocking socket, and can say anything.
@SuppressWarnings("ArrayRecordComponent") // the records are never compared
public final class RawClient implements AutoCloseable {
    private static final int PATIENCE_MILLIS = 15_000;

    /// One reply to an option.
    public record OptionReply(int option, int type, byte[] data) {
        public String text() {
            return new String(data, StandardCharsets.UTF_8);
        }

        public ByteBuffer buffer() {
            return ByteBuffer.wrap(data);
        }
    }

    /// One simple reply, or one chunk; a simple reply has type -1.
    public record Reply(int type, boolean last, int error, long cookie, long offset, byte[] data) {
        public boolean isError() {
            return error != 0;
        }

        /// The message of an error chunk.
        public String text() {
            return new String(data, StandardCharsets.UTF_8);
        }

        public ByteBuffer buffer() {
            return ByteBuffer.wrap(data);
        }
    }

    private final Socket socket;
    private final DataInputStream in;
    private final DataOutputStream out;
    private boolean extended;
    private int serverFlags;

    /// The size and flags that GO or EXPORT_NAME told.
    private long sizeBytes;

    private int flags;

    public RawClient(int port) throws IOException {
        socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(PATIENCE_MILLIS);
        in = new DataInputStream(socket.getInputStream());
        out = new DataOutputStream(socket.getOutputStream());
    }

    /// A client that has been greeted and has sent its flags.
    public static RawClient greeted(int port) throws IOException {
        RawClient client = new RawClient(port);
        client.readGreeting();
        client.sendInt(Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES);
        return client;
    }

    /// A client in the transmission phase, with simple replies.
    public static RawClient simple(int port, String export) throws IOException {
        RawClient client = greeted(port);
        client.go(export);
        return client;
    }

    /// A client in the transmission phase, with structured replies and all metadata contexts.
    public static RawClient structured(int port, String export) throws IOException {
        RawClient client = greeted(port);
        client.acknowledged(Nbd.OPT_STRUCTURED_REPLY, new byte[0]);
        client.setContexts(export, Nbd.CONTEXT_ALLOCATION, Nbd.CONTEXT_LOCALITY);
        client.go(export);
        return client;
    }

    /// A client in the transmission phase, with extended headers and all metadata contexts.
    public static RawClient extended(int port, String export) throws IOException {
        RawClient client = greeted(port);
        client.acknowledged(Nbd.OPT_EXTENDED_HEADERS, new byte[0]);
        client.setContexts(export, Nbd.CONTEXT_ALLOCATION, Nbd.CONTEXT_LOCALITY);
        client.go(export);
        client.extended = true;
        return client;
    }

    public long sizeBytes() {
        return sizeBytes;
    }

    public int flags() {
        return flags;
    }

    public int serverFlags() {
        return serverFlags;
    }

    public Socket socket() {
        return socket;
    }

    // -------------------------------------------------------------------------- handshake

    public void readGreeting() throws IOException {
        if (in.readLong() != Nbd.NBDMAGIC || in.readLong() != Nbd.IHAVEOPT) {
            throw new IOException("not the greeting of an NBD server");
        }
        serverFlags = in.readShort();
    }

    public void option(int option, byte[] data) throws IOException {
        send(
                ByteBuffer.allocate(16 + data.length)
                        .putLong(Nbd.IHAVEOPT)
                        .putInt(option)
                        .putInt(data.length)
                        .put(data)
                        .array());
    }

    public OptionReply readOptionReply() throws IOException {
        long magic = in.readLong();
        if (magic != Nbd.OPTION_REPLY_MAGIC) {
            throw new IOException("an option reply starts with 0x%016x".formatted(magic));
        }
        int option = in.readInt();
        int type = in.readInt();
        return new OptionReply(option, type, in.readNBytes(in.readInt()));
    }

    /// Sends an option and reads its replies to the last one.
    public List<OptionReply> ask(int option, byte[] data) throws IOException {
        option(option, data);
        List<OptionReply> replies = new ArrayList<>();
        do {
            replies.add(readOptionReply());
        } while (replies.getLast().type() != Nbd.REP_ACK && replies.getLast().type() >= 0);
        return replies;
    }

    /// Sends an option that must be acknowledged at once.
    public void acknowledged(int option, byte[] data) throws IOException {
        OptionReply reply = ask(option, data).getLast();
        if (reply.type() != Nbd.REP_ACK) {
            throw new IOException("option %d was refused: %s".formatted(option, reply.text()));
        }
    }

    public List<OptionReply> go(String export, int... information) throws IOException {
        List<OptionReply> replies = ask(Nbd.OPT_GO, exportData(export, information));
        for (OptionReply reply : replies) {
            if (reply.type() == Nbd.REP_INFO && reply.buffer().getShort() == Nbd.INFO_EXPORT) {
                sizeBytes = reply.buffer().getLong(2);
                flags = reply.buffer().getShort(10) & 0xffff;
            }
        }
        return replies;
    }

    /// The data of GO and INFO.
    public static byte[] exportData(String export, int... information) {
        byte[] name = export.getBytes(StandardCharsets.UTF_8);
        ByteBuffer data = ByteBuffer.allocate(6 + name.length + 2 * information.length);
        data.putInt(name.length).put(name).putShort((short) information.length);
        for (int one : information) {
            data.putShort((short) one);
        }
        return data.array();
    }

    public List<OptionReply> setContexts(String export, String... queries) throws IOException {
        return ask(Nbd.OPT_SET_META_CONTEXT, contextData(export, queries));
    }

    /// The data of LIST_META_CONTEXT and SET_META_CONTEXT.
    public static byte[] contextData(String export, String... queries) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream data = new DataOutputStream(bytes);
        putString(data, export);
        data.writeInt(queries.length);
        for (String query : queries) {
            putString(data, query);
        }
        return bytes.toByteArray();
    }

    private static void putString(DataOutputStream data, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        data.writeInt(bytes.length);
        data.write(bytes);
    }

    // ----------------------------------------------------------------------- transmission

    /// A request's header as this connection lays it out.
    public byte[] header(int flags, int type, long cookie, long offset, long length) {
        ByteBuffer header = ByteBuffer.allocate(extended ? 32 : 28);
        header.putInt(extended ? Nbd.EXTENDED_REQUEST_MAGIC : Nbd.REQUEST_MAGIC);
        header.putShort((short) flags).putShort((short) type).putLong(cookie).putLong(offset);
        if (extended) {
            header.putLong(length);
        } else {
            header.putInt((int) length);
        }
        return header.array();
    }

    public void request(int flags, int type, long cookie, long offset, long length)
            throws IOException {
        send(header(flags, type, cookie, offset, length));
    }

    /// Sends a request and reads the one reply to it.
    public Reply call(int flags, int type, long offset, long length) throws IOException {
        request(flags, type, 77, offset, length);
        return readReply(type == Nbd.CMD_READ ? (int) length : 0);
    }

    public Reply read(long offset, int length) throws IOException {
        return call(0, Nbd.CMD_READ, offset, length);
    }

    public Reply write(int flags, long offset, byte[] payload) throws IOException {
        int all = flags | (extended ? Nbd.CMD_FLAG_PAYLOAD_LEN : 0);
        send(join(header(all, Nbd.CMD_WRITE, 78, offset, payload.length), payload));
        return readReply(0);
    }

    /// Reads one simple reply among those to reads of one length and one other request.
    ///
    /// @param readBytes how many bytes follow a simple reply to a read
    /// @param otherCookie the cookie of the other request
    public Reply readReply(int readBytes, long otherCookie) throws IOException {
        if (in.readInt() != Nbd.SIMPLE_REPLY_MAGIC) {
            throw new IOException("not a simple reply");
        }
        int error = in.readInt();
        long cookie = in.readLong();
        boolean hasData = error == 0 && cookie != otherCookie;
        return new Reply(-1, true, error, cookie, 0, readFully(hasData ? readBytes : 0));
    }

    /// Reads one simple reply or one chunk.
    ///
    /// @param readBytes how many bytes follow a simple reply that tells no error
    public Reply readReply(int readBytes) throws IOException {
        int magic = in.readInt();
        if (magic == Nbd.SIMPLE_REPLY_MAGIC && !extended) {
            int error = in.readInt();
            long cookie = in.readLong();
            return new Reply(-1, true, error, cookie, 0, readFully(error == 0 ? readBytes : 0));
        }
        if (magic != (extended ? Nbd.EXTENDED_REPLY_MAGIC : Nbd.STRUCTURED_REPLY_MAGIC)) {
            throw new IOException("a reply starts with 0x%08x".formatted(magic));
        }
        boolean last = (in.readShort() & Nbd.REPLY_FLAG_DONE) != 0;
        int type = in.readShort() & 0xffff;
        long cookie = in.readLong();
        long offset = extended ? in.readLong() : 0;
        int length = extended ? Math.toIntExact(in.readLong()) : in.readInt();
        if ((type & Nbd.REPLY_TYPE_ERROR_BIT) != 0) {
            int error = in.readInt();
            int textLength = in.readShort() & 0xffff;
            byte[] text = readFully(textLength);
            readFully(length - 6 - textLength);
            return new Reply(type, last, error, cookie, offset, text);
        }
        if (type == Nbd.REPLY_TYPE_OFFSET_DATA) {
            offset = in.readLong();
            return new Reply(type, last, 0, cookie, offset, readFully(length - 8));
        }
        return new Reply(type, last, 0, cookie, offset, readFully(length));
    }

    private byte[] readFully(int length) throws IOException {
        byte[] bytes = in.readNBytes(length);
        if (bytes.length < length) {
            throw new EOFException("%d of %d bytes came".formatted(bytes.length, length));
        }
        return bytes;
    }

    // -------------------------------------------------------------------------- raw bytes

    public void sendInt(int value) throws IOException {
        out.writeInt(value);
    }

    public void send(byte[] bytes) throws IOException {
        out.write(bytes);
    }

    public static byte[] join(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }

    /// Whether the server ends the connection without sending another byte.
    public boolean isClosedByServer() throws IOException {
        try {
            return in.read() < 0;
        } catch (SocketException e) {
            return true;
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
