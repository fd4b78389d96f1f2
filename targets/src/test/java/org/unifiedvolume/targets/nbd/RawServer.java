package org.unifiedvolume.targets.nbd;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.unifiedvolume.targets.nbd.wire.Nbd;

/// An NBD server that does what a script says, lies included. Each connection runs the script on a
/// thread of its own.
@SuppressWarnings("ArrayRecordComponent") // the records are never compared
public final class RawServer implements AutoCloseable {
    /// What to do with one client.
    public interface Script {
        void run(Peer peer) throws IOException;
    }

    /// What the server claims to be.
    ///
    /// @param level 0 for simple replies, 1 for structured ones, 2 for extended headers
    /// @param knowsGo whether it knows NBD_OPT_GO
    public record Claims(
            long sizeBytes,
            int flags,
            int minimum,
            int preferred,
            int maximum,
            int level,
            boolean knowsGo) {
        public static final int ALL_FLAGS =
                Nbd.FLAG_HAS_FLAGS
                        | Nbd.FLAG_SEND_FLUSH
                        | Nbd.FLAG_SEND_FUA
                        | Nbd.FLAG_SEND_TRIM
                        | Nbd.FLAG_SEND_WRITE_ZEROES
                        | Nbd.FLAG_SEND_CACHE;

        public static Claims of(long sizeBytes, int level) {
            return new Claims(sizeBytes, ALL_FLAGS, 1, 4096, 32 << 20, level, true);
        }

        public Claims withFlags(int newFlags) {
            return new Claims(sizeBytes, newFlags, minimum, preferred, maximum, level, knowsGo);
        }

        public Claims withSize(long newSizeBytes) {
            return new Claims(newSizeBytes, flags, minimum, preferred, maximum, level, knowsGo);
        }

        public Claims withBlocks(int newMinimum, int newPreferred, int newMaximum) {
            return new Claims(
                    sizeBytes, flags, newMinimum, newPreferred, newMaximum, level, knowsGo);
        }

        public Claims withLevel(int newLevel) {
            return new Claims(sizeBytes, flags, minimum, preferred, maximum, newLevel, knowsGo);
        }

        public Claims withoutGo() {
            return new Claims(sizeBytes, flags, minimum, preferred, maximum, level, false);
        }
    }

    /// One request of a client.
    public record Request(
            int flags, int type, long cookie, long offset, long length, byte[] payload) {
        public boolean has(int flag) {
            return (flags & flag) != 0;
        }
    }

    private final ServerSocket listener;
    private final Thread acceptor;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private final AtomicInteger connections = new AtomicInteger();
    private volatile Script script;

    public RawServer(Script script) throws IOException {
        this(0, script);
    }

    public RawServer(int port, Script script) throws IOException {
        this.script = script;
        this.listener = new ServerSocket();
        listener.setReuseAddress(true);
        listener.bind(new java.net.InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        this.acceptor = Thread.ofVirtual().name("raw-nbd-server").start(this::accept);
    }

    /// A server that keeps to the protocol over some memory.
    public static RawServer honest(Claims claims, byte[] content) throws IOException {
        return new RawServer(peer -> peer.serve(claims, content));
    }

    public int port() {
        return listener.getLocalPort();
    }

    /// How many connections have been accepted so far.
    public int connections() {
        return connections.get();
    }

    /// What to do with connections that are accepted from now on.
    public void become(Script newScript) {
        script = newScript;
    }

    /// Cuts all connections off.
    public void cut() throws IOException {
        for (Socket socket : Set.copyOf(sockets)) {
            try (socket) {
                socket.setSoLinger(true, 0);
            } catch (SocketException e) {
                // it has been closed meanwhile, which is what is wanted
            }
            sockets.remove(socket);
        }
    }

    private void accept() {
        while (!listener.isClosed()) {
            try {
                Socket socket = listener.accept();
                socket.setTcpNoDelay(true);
                sockets.add(socket);
                connections.incrementAndGet();
                Thread.ofVirtual().name("raw-nbd-peer").start(() -> run(socket));
            } catch (IOException e) {
                // closed: the loop ends
            }
        }
    }

    private void run(Socket socket) {
        try (socket) {
            script.run(new Peer(socket));
        } catch (IOException e) {
            // the client has left, or the test ended
        } finally {
            sockets.remove(socket);
        }
    }

    @Override
    public void close() throws IOException {
        listener.close();
        try {
            acceptor.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        cut();
    }

    /// The server's end of one connection.
    public static final class Peer {
        private final Socket socket;
        private final DataInputStream in;
        private final DataOutputStream out;
        private boolean extended;
        private boolean structured;

        Peer(Socket socket) throws IOException {
            this.socket = socket;
            this.in = new DataInputStream(socket.getInputStream());
            this.out = new DataOutputStream(socket.getOutputStream());
        }

        public Socket socket() {
            return socket;
        }

        public boolean isExtended() {
            return extended;
        }

        public void greet() throws IOException {
            send(
                    ByteBuffer.allocate(18)
                            .putLong(Nbd.NBDMAGIC)
                            .putLong(Nbd.IHAVEOPT)
                            .putShort((short) (Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES))
                            .array());
            in.readInt();
        }

        public void send(byte[] bytes) throws IOException {
            out.write(bytes);
        }

        public void optionReply(int option, int type, byte[] data) throws IOException {
            send(
                    ByteBuffer.allocate(20 + data.length)
                            .putLong(Nbd.OPTION_REPLY_MAGIC)
                            .putInt(option)
                            .putInt(type)
                            .putInt(data.length)
                            .put(data)
                            .array());
        }

        /// Negotiates to the transmission phase.
        ///
        /// @return false if the client left instead
        public boolean negotiate(Claims claims) throws IOException {
            greet();
            while (true) {
                in.readLong();
                int option = in.readInt();
                byte[] data = in.readNBytes(in.readInt());
                switch (option) {
                    case Nbd.OPT_EXTENDED_HEADERS -> {
                        extended = claims.level() == 2;
                        structured = extended;
                        answer(option, extended);
                    }
                    case Nbd.OPT_STRUCTURED_REPLY -> {
                        structured = claims.level() >= 1;
                        answer(option, structured);
                    }
                    case Nbd.OPT_SET_META_CONTEXT -> {
                        byte[] name = Nbd.CONTEXT_ALLOCATION.getBytes(StandardCharsets.UTF_8);
                        optionReply(
                                option,
                                Nbd.REP_META_CONTEXT,
                                ByteBuffer.allocate(4 + name.length).putInt(1).put(name).array());
                        answer(option, true);
                    }
                    case Nbd.OPT_GO, Nbd.OPT_INFO -> {
                        answer(option, claims.knowsGo(), claims);
                        if (option == Nbd.OPT_GO && claims.knowsGo()) {
                            return true;
                        }
                    }
                    case Nbd.OPT_EXPORT_NAME -> {
                        send(
                                ByteBuffer.allocate(10)
                                        .putLong(claims.sizeBytes())
                                        .putShort((short) claims.flags())
                                        .array());
                        return true;
                    }
                    case Nbd.OPT_ABORT -> {
                        answer(option, true);
                        return false;
                    }
                    default -> optionReply(option, Nbd.REP_ERR_UNSUP, data);
                }
            }
        }

        private void answer(int option, boolean yes) throws IOException {
            optionReply(option, yes ? Nbd.REP_ACK : Nbd.REP_ERR_UNSUP, new byte[0]);
        }

        private void answer(int option, boolean yes, Claims claims) throws IOException {
            if (yes) {
                optionReply(
                        option,
                        Nbd.REP_INFO,
                        ByteBuffer.allocate(12)
                                .putShort((short) Nbd.INFO_EXPORT)
                                .putLong(claims.sizeBytes())
                                .putShort((short) claims.flags())
                                .array());
                optionReply(
                        option,
                        Nbd.REP_INFO,
                        ByteBuffer.allocate(14)
                                .putShort((short) Nbd.INFO_BLOCK_SIZE)
                                .putInt(claims.minimum())
                                .putInt(claims.preferred())
                                .putInt(claims.maximum())
                                .array());
            }
            answer(option, yes);
        }

        public Request readRequest() throws IOException {
            in.readInt();
            int flags = in.readShort() & 0xffff;
            int type = in.readShort() & 0xffff;
            long cookie = in.readLong();
            long offset = in.readLong();
            long length = extended ? in.readLong() : Integer.toUnsignedLong(in.readInt());
            byte[] payload = type == Nbd.CMD_WRITE ? in.readNBytes((int) length) : new byte[0];
            return new Request(flags, type, cookie, offset, length, payload);
        }

        public void simpleReply(long cookie, int error, byte[] payload) throws IOException {
            send(
                    ByteBuffer.allocate(16 + payload.length)
                            .putInt(Nbd.SIMPLE_REPLY_MAGIC)
                            .putInt(error)
                            .putLong(cookie)
                            .put(payload)
                            .array());
        }

        public void chunk(boolean last, int type, long cookie, byte[] payload) throws IOException {
            chunk(last, type, cookie, payload.length, payload);
        }

        /// A chunk that announces `length` bytes and brings others.
        public void chunk(boolean last, int type, long cookie, long length, byte[] payload)
                throws IOException {
            ByteBuffer chunk = ByteBuffer.allocate((extended ? 32 : 20) + payload.length);
            chunk.putInt(extended ? Nbd.EXTENDED_REPLY_MAGIC : Nbd.STRUCTURED_REPLY_MAGIC);
            chunk.putShort((short) (last ? Nbd.REPLY_FLAG_DONE : 0)).putShort((short) type);
            chunk.putLong(cookie);
            if (extended) {
                chunk.putLong(0).putLong(length);
            } else {
                chunk.putInt((int) length);
            }
            send(chunk.put(payload).array());
        }

        /// A piece of a read's data.
        public void data(boolean last, long cookie, long offset, byte[] bytes) throws IOException {
            byte[] payload =
                    ByteBuffer.allocate(8 + bytes.length).putLong(offset).put(bytes).array();
            chunk(last, Nbd.REPLY_TYPE_OFFSET_DATA, cookie, payload);
        }

        public void hole(boolean last, long cookie, long offset, int length) throws IOException {
            byte[] payload = ByteBuffer.allocate(12).putLong(offset).putInt(length).array();
            chunk(last, Nbd.REPLY_TYPE_OFFSET_HOLE, cookie, payload);
        }

        /// Answers that a request which brings nothing is done.
        public void done(long cookie) throws IOException {
            if (extended) {
                chunk(true, Nbd.REPLY_TYPE_NONE, cookie, new byte[0]);
            } else {
                simpleReply(cookie, 0, new byte[0]);
            }
        }

        /// Negotiates, then carries out requests over `content` until the client leaves.
        public void serve(Claims claims, byte[] content) throws IOException {
            if (negotiate(claims)) {
                serveRequests(content);
            }
        }

        /// Says nothing more, and listens until the client leaves.
        public void awaitEnd() throws IOException {
            in.readAllBytes();
        }

        public void serveRequests(byte[] content) throws IOException {
            while (true) {
                Request request = readRequest();
                if (request.type() == Nbd.CMD_DISC) {
                    return;
                }
                carryOut(request, content);
            }
        }

        /// Does what a request asks, and answers it.
        public void carryOut(Request request, byte[] content) throws IOException {
            int at = (int) request.offset();
            int length = (int) request.length();
            switch (request.type()) {
                case Nbd.CMD_READ -> {
                    byte[] bytes = new byte[length];
                    System.arraycopy(content, at, bytes, 0, length);
                    if (structured) {
                        data(true, request.cookie(), at, bytes);
                    } else {
                        simpleReply(request.cookie(), 0, bytes);
                    }
                    return;
                }
                case Nbd.CMD_WRITE -> System.arraycopy(request.payload(), 0, content, at, length);
                case Nbd.CMD_WRITE_ZEROES ->
                        java.util.Arrays.fill(content, at, at + length, (byte) 0);
                default -> {
                    // nothing to do but to answer
                }
            }
            done(request.cookie());
        }
    }
}
