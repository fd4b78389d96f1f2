package org.unifiedvolume.targets.nbd.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.linux.IoVector;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.transport.Inbox;
import org.unifiedvolume.transport.Outbox;
import org.unifiedvolume.transport.ProtocolFault;

/// The codecs of NBD's messages, without any stream.
class WireTest {
    private static final int ROUNDS = 2000;

    private final BufferPool pool = new BufferPool(1 << 20, true);
    private final Inbox in = new Inbox(pool);
    private final Outbox out = new Outbox(pool);
    private final IoVector vector = new IoVector(IoVector.MAX_ENTRIES);

    @AfterEach
    void nothingIsLeftBehind() {
        in.close();
        out.close();
        assertEquals(0, pool.outstandingBytes());
        pool.close();
    }

    private void receive(byte[] bytes) {
        assertEquals(bytes.length, in.receiveCopyOf(ByteBuffer.wrap(bytes), vector));
    }

    /// Moves what was written to what is read.
    private void pass() {
        out.fill(vector, Long.MAX_VALUE);
        long count = vector.totalBytes();
        ByteBuffer copy = ByteBuffer.allocate((int) count);
        for (ByteBuffer part : vector.toByteBuffers()) {
            copy.put(part);
        }
        out.sent(count);
        receive(copy.array());
    }

    @Nested
    class ARequestHeader {
        @Test
        void survivesARoundTrip() throws ProtocolFault {
            Random random = new Random(4711);
            for (int i = 0; i < ROUNDS; i++) {
                boolean extended = random.nextBoolean();
                int flags = random.nextInt(1 << 16);
                int type = random.nextInt(1 << 16);
                long cookie = random.nextLong();
                long offset = random.nextLong();
                long length = extended ? random.nextLong() : random.nextLong(1L << 32);
                RequestHeader.encode(out, extended, flags, type, cookie, offset, length);
                pass();
                RequestHeader header = new RequestHeader(extended);
                assertTrue(in.has(header.bytes()));
                header.decode(in);
                assertEquals(flags, header.flags());
                assertEquals(type, header.type());
                assertEquals(cookie, header.cookie());
                assertEquals(offset, header.offset());
                assertEquals(length, header.length());
                assertEquals(0, in.available());
            }
        }

        @Test
        void ofTheOtherLayoutIsRefused() {
            RequestHeader.encode(out, true, 0, 0, 1, 2, 3);
            pass();
            String message =
                    assertThrows(ProtocolFault.class, () -> new RequestHeader(false).decode(in))
                            .getMessage();
            assertTrue(message.contains("0x21e41c71 instead of 0x25609513"), message);
        }

        @Test
        void tellsOfAPayloadOnlyWhereOneFollows() throws ProtocolFault {
            for (int type = 0; type < 9; type++) {
                RequestHeader.encode(out, false, 0, type, 1, 2, 3);
                RequestHeader.encode(out, true, 0, type, 1, 2, 3);
                RequestHeader.encode(out, true, Nbd.CMD_FLAG_PAYLOAD_LEN, type, 1, 2, 3);
                pass();
                RequestHeader compact = new RequestHeader(false);
                RequestHeader extended = new RequestHeader(true);
                compact.decode(in);
                assertEquals(type == Nbd.CMD_WRITE ? 3 : 0, compact.payloadLength());
                extended.decode(in);
                assertEquals(0, extended.payloadLength());
                extended.decode(in);
                assertEquals(3, extended.payloadLength());
            }
        }
    }

    @Nested
    class AReplyHeader {
        @Test
        void isDecodedOnceItIsWhole() throws ProtocolFault {
            ByteBuffer chunk = ByteBuffer.allocate(20).putInt(Nbd.STRUCTURED_REPLY_MAGIC);
            chunk.putShort((short) 1).putShort((short) 0x8001).putLong(77).putInt(-1);
            ReplyHeader header = new ReplyHeader(false);
            for (byte one : chunk.array()) {
                assertFalse(header.decode(in));
                receive(new byte[] {one});
            }
            assertTrue(header.decode(in));
            assertTrue(header.isLast() && header.isError() && !header.isSimple());
            assertEquals(77, header.cookie());
            assertEquals(0xffff_ffffL, header.length());
        }

        @Test
        void maySimplyTellAnError() throws ProtocolFault {
            receive(
                    ByteBuffer.allocate(16)
                            .putInt(Nbd.SIMPLE_REPLY_MAGIC)
                            .putInt(28)
                            .putLong(-3)
                            .array());
            ReplyHeader header = new ReplyHeader(false);
            assertTrue(header.decode(in));
            assertTrue(header.isSimple() && header.isLast() && !header.isError());
            assertEquals(28, header.error());
            assertEquals(-3, header.cookie());
        }

        @Test
        void withAnotherMagicIsRefused() {
            receive(new byte[32]);
            assertThrows(ProtocolFault.class, () -> new ReplyHeader(false).decode(in));
            assertThrows(ProtocolFault.class, () -> new ReplyHeader(true).decode(in));
        }
    }

    @Nested
    class Errors {
        @Test
        void ofEachKindHaveANumberAndComeBackAsAKind() {
            for (DeviceFault.Kind kind : DeviceFault.Kind.values()) {
                NbdError error = NbdError.of(kind);
                assertEquals(error, NbdError.ofNumber(error.number()));
                boolean lost =
                        kind == DeviceFault.Kind.TIMED_OUT || kind == DeviceFault.Kind.DISCONNECTED;
                assertEquals(lost ? DeviceFault.Kind.IO : kind, error.kind());
            }
        }

        @Test
        void thatAreUnknownCountAsInvalid() {
            for (int number : new int[] {0, 2, 1000, -1}) {
                assertEquals(NbdError.EINVAL, NbdError.ofNumber(number));
            }
        }
    }

    @Nested
    class AnOptionsData {
        @Test
        void isReadToItsEndAndNotBeyond() throws ProtocolFault {
            byte[] data = {
                0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 'a', 'b', 'c', 'd', (byte) 0xc3, (byte) 0xa4
            };
            OptionReader reader = new OptionReader("NBD_OPT_TEST", data);
            assertEquals(1, reader.readShort());
            assertEquals(2, reader.readInt());
            assertEquals("abc", reader.readString());
            assertEquals("dä", reader.readRest());
            reader.end();
            for (int length = 0; length < 13; length++) {
                OptionReader cut =
                        new OptionReader("NBD_OPT_TEST", java.util.Arrays.copyOf(data, length));
                String message =
                        assertThrows(
                                        ProtocolFault.class,
                                        () -> {
                                            cut.readShort();
                                            cut.readInt();
                                            cut.readString();
                                        })
                                .getMessage();
                assertTrue(message.contains("NBD_OPT_TEST"), message);
            }
        }
    }
}
