package org.unifiedvolume.it.harness;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/// A bare NBD client that can be as rude as a test wants: it sends whatever numbers it is told to,
/// in pieces, and reads answers when it is told to.
///
/// Fixed newstyle with `NBD_OPT_EXPORT_NAME` and simple replies
/// (<https://github.com/NetworkBlockDevice/nbd>, `doc/proto.md`). One thread at a time may send,
/// another one may receive.
public final class NbdClient implements AutoCloseable {
    public static final int READ = 0;
    public static final int WRITE = 1;
    public static final int DISCONNECT = 2;
    public static final int FLUSH = 3;
    public static final int TRIM = 4;
    public static final int WRITE_ZEROES = 6;
    public static final int FUA = 1;
    public static final int EIO = 5;
    public static final int EINVAL = 22;
    public static final int ENOSPC = 28;

    private static final long GREETING = 0x4e42444d41474943L;
    private static final long OPTION = 0x49484156454F5054L;
    private static final int REQUEST = 0x25609513;
    private static final int SIMPLE_REPLY = 0x67446698;
    private static final int TIMEOUT_MILLIS = 30_000;

    /// The answer to one request.
    public record Reply(long cookie, int error) {}

    private final Socket socket;
    private final DataInputStream in;
    private final DataOutputStream out;
    private long sizeBytes;
    private long cookies;

    private NbdClient(Socket socket) throws IOException {
        this.socket = socket;
        this.in = new DataInputStream(new BufferedInputStream(socket.getInputStream(), 1 << 16));
        this.out =
                new DataOutputStream(new BufferedOutputStream(socket.getOutputStream(), 1 << 16));
    }

    /// Connects and says nothing.
    public static NbdClient silent(int port) throws IOException {
        Socket socket = new Socket();
        socket.setTcpNoDelay(true);
        socket.connect(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), port), TIMEOUT_MILLIS);
        socket.setSoTimeout(TIMEOUT_MILLIS);
        return new NbdClient(socket);
    }

    /// Connects and goes on to the transmission phase.
    public static NbdClient open(int port, String export) throws IOException {
        NbdClient client = silent(port);
        try {
            client.shakeHands(export);
        } catch (IOException e) {
            client.close();
            throw e;
        }
        return client;
    }

    private void shakeHands(String export) throws IOException {
        if (in.readLong() != GREETING || in.readLong() != OPTION) {
            throw new IOException("this is no NBD server");
        }
        in.readShort();
        byte[] name = export.getBytes(StandardCharsets.UTF_8);
        out.writeInt(3); // NBD_FLAG_C_FIXED_NEWSTYLE, NBD_FLAG_C_NO_ZEROES
        out.writeLong(OPTION);
        out.writeInt(1); // NBD_OPT_EXPORT_NAME
        out.writeInt(name.length);
        out.write(name);
        out.flush();
        sizeBytes = in.readLong();
        in.readShort();
    }

    public long sizeBytes() {
        return sizeBytes;
    }

    /// Sends bytes as they are.
    public void sendRaw(byte[] bytes) throws IOException {
        out.write(bytes);
        out.flush();
    }

    /// Puts a request's header into the buffer of what is to be sent.
    public void put(int type, int flags, long cookie, long offsetBytes, long lengthBytes)
            throws IOException {
        out.writeInt(REQUEST);
        out.writeShort(flags);
        out.writeShort(type);
        out.writeLong(cookie);
        out.writeLong(offsetBytes);
        out.writeInt((int) lengthBytes);
    }

    /// Puts a write with its payload into the buffer of what is to be sent.
    public void putWrite(int flags, long cookie, long offsetBytes, byte[] payload)
            throws IOException {
        put(WRITE, flags, cookie, offsetBytes, payload.length);
        out.write(payload);
    }

    /// Sends what was put.
    public void flushOut() throws IOException {
        out.flush();
    }

    /// Waits for the next answer. The payload of a read is to be taken with [#payload].
    ///
    /// @throws EOFException if the server has closed the connection
    public Reply reply() throws IOException {
        int magic = in.readInt();
        if (magic != SIMPLE_REPLY) {
            throw new IOException("not a simple reply: %08x".formatted(magic));
        }
        int error = in.readInt();
        return new Reply(in.readLong(), error);
    }

    public byte[] payload(int lengthBytes) throws IOException {
        return in.readNBytes(lengthBytes);
    }

    /// Carries out one request and returns the error number of the answer; 0 for success.
    public int call(int type, int flags, long offsetBytes, long lengthBytes) throws IOException {
        put(type, flags, ++cookies, offsetBytes, lengthBytes);
        flushOut();
        return expect(cookies);
    }

    /// Writes and returns the error number of the answer; 0 for success.
    public int write(long offsetBytes, byte[] payload, int flags) throws IOException {
        putWrite(flags, ++cookies, offsetBytes, payload);
        flushOut();
        return expect(cookies);
    }

    public int flush() throws IOException {
        return call(FLUSH, 0, 0, 0);
    }

    /// Reads, and fails if the server answers with an error.
    public byte[] read(long offsetBytes, int lengthBytes) throws IOException {
        int error = call(READ, 0, offsetBytes, lengthBytes);
        if (error != 0) {
            throw new IOException(
                    "reading %d bytes at %d: error %d".formatted(lengthBytes, offsetBytes, error));
        }
        return payload(lengthBytes);
    }

    private int expect(long cookie) throws IOException {
        Reply reply = reply();
        if (reply.cookie() != cookie) {
            throw new IOException("cookie %d instead of %d".formatted(reply.cookie(), cookie));
        }
        return reply.error();
    }

    /// Whether the server closes the connection within the time limit, whatever it sends before.
    public boolean isClosedByServer() throws IOException {
        byte[] sink = new byte[1 << 16];
        try {
            while (in.read(sink) >= 0) {}
            return true;
        } catch (java.net.SocketTimeoutException e) {
            return false;
        } catch (java.net.SocketException e) {
            return true;
        }
    }

    /// How long to wait for bytes of the server.
    public void timeout(int millis) throws IOException {
        socket.setSoTimeout(millis);
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
