package org.unifiedvolume.targets.nbd.member;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.unifiedvolume.request.Extent;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.targets.nbd.NbdHost;
import org.unifiedvolume.targets.nbd.RawServer;
import org.unifiedvolume.targets.nbd.RawServer.Claims;
import org.unifiedvolume.targets.nbd.RawServer.Peer;
import org.unifiedvolume.targets.nbd.RawServer.Request;
import org.unifiedvolume.targets.nbd.wire.Nbd;

/// A server that breaks the protocol loses its connection; the requests that were on it are carried
/// out by the next one, none of them lost or answered twice.
class LyingServerTest {
    /// Ways to answer a read of [ToReads#OFFSET], [ToReads#LENGTH] wrongly.
    enum Lie {
        WRONG_COOKIE(0) {
            @Override
            void tell(Peer peer, Request read) throws IOException {
                peer.simpleReply(read.cookie() + 1, 0, new byte[ToReads.LENGTH]);
            }
        },
        COOKIE_OF_NOBODY(1) {
            @Override
            void tell(Peer peer, Request read) throws IOException {
                peer.data(true, -1, ToReads.OFFSET, new byte[ToReads.LENGTH]);
            }
        },
        WRONG_MAGIC(0) {
            @Override
            void tell(Peer peer, Request read) throws IOException {
                peer.send(new byte[64]);
            }
        },
        WRONG_MAGIC_OF_CHUNK(2) {
            @Override
            void tell(Peer peer, Request read) throws IOException {
                peer.simpleReply(read.cookie(), 0, new byte[ToReads.LENGTH]);
            }
        },
        SIMPLE_REPLY(1) {
            @Override
            void tell(Peer peer, Request read) throws IOException {
                peer.simpleReply(read.cookie(), 0, new byte[ToReads.LENGTH]);
            }
        },
        DATA_BEFORE_THE_RANGE(1) {
            @Override
            void tell(Peer peer, Request read) throws IOException {
                peer.data(true, read.cookie(), ToReads.OFFSET - 1, new byte[ToReads.LENGTH]);
            }
        },
        DATA_BEHIND_THE_RANGE(2) {
            @Override
            void tell(Peer peer, Request read) throws IOException {
                peer.data(true, read.cookie(), ToReads.OFFSET + 1, new byte[ToReads.LENGTH]);
            }
        },
        DATA_AT_AN_ABSURD_OFFSET(1) {
            @Override
            void tell(Peer peer, Request read) throws IOException {
                peer.data(true, read.cookie(), Long.MAX_VALUE, new byte[100]);
            }
        },
        DATA_TWICE(1) {
            @Override
            void tell(Peer peer, Request read) throws IOException {
                peer.data(false, read.cookie(), ToReads.OFFSET, new byte[5000]);
                peer.data(false, read.cookie(), ToReads.OFFSET + 4999, new byte[100]);
            }
        },
        DATA_MISSING(1) {
            @Override
            void tell(Peer peer, Request read) throws IOException {
                peer.data(false, read.cookie(), ToReads.OFFSET, new byte[ToReads.LENGTH - 1]);
                peer.chunk(true, Nbd.REPLY_TYPE_NONE, read.cookie(), new byte[0]);
            }
        },
        NO_DATA(2) {
            @Override
            void tell(Peer peer, Request read) throws IOException {
                peer.chunk(true, Nbd.REPLY_TYPE_NONE, read.cookie(), new byte[0]);
            }
        },
        TOO_MUCH_DATA(1) {
            @Override
            void tell(Peer peer, Request read) throws IOException {
                peer.data(true, read.cookie(), ToReads.OFFSET, new byte[ToReads.LENGTH + 1]);
            }
        },
        GIGABYTES_OF_DATA(1) {
            @Override
            void tell(Peer peer, Request read) throws IOException {
                peer.chunk(true, Nbd.REPLY_TYPE_OFFSET_DATA, read.cookie(), -1L, new byte[8]);
            }
        },
        NEGATIVE_LENGTH(2) {
            @Override
            void tell(Peer peer, Request read) throws IOException {
                peer.chunk(
                        true,
                        Nbd.REPLY_TYPE_OFFSET_DATA,
                        read.cookie(),
                        Long.MIN_VALUE,
                        new byte[8]);
            }
        },
        DATA_WITHOUT_BYTES(1) {
            @Override
            void tell(Peer peer, Request read) throws IOException {
                peer.data(false, read.cookie(), ToReads.OFFSET, new byte[0]);
            }
        },
        FLOOD_OF_TINY_PIECES(1) {
            @Override
            void tell(Peer peer, Request read) throws IOException {
                for (int i = 0; i < ToReads.LENGTH; i++) {
                    boolean last = i == ToReads.LENGTH - 1;
                    peer.data(last, read.cookie(), ToReads.OFFSET + i, new byte[1]);
                }
            }
        },
        HOLE_OUTSIDE(1) {
            @Override
            void tell(Peer peer, Request read) throws IOException {
                peer.hole(true, read.cookie(), ToReads.OFFSET, ToReads.LENGTH + 1);
            }
        },
        HOLE_OF_NOTHING(2) {
            @Override
            void tell(Peer peer, Request read) throws IOException {
                peer.hole(false, read.cookie(), ToReads.OFFSET, 0);
            }
        },
        HOLE_OVER_DATA(1) {
            @Override
            void tell(Peer peer, Request read) throws IOException {
                peer.data(false, read.cookie(), ToReads.OFFSET + 100, new byte[5000]);
                peer.hole(false, read.cookie(), ToReads.OFFSET, 101);
            }
        },
        HOLE_CUT_SHORT(1) {
            @Override
            void tell(Peer peer, Request read) throws IOException {
                peer.chunk(true, Nbd.REPLY_TYPE_OFFSET_HOLE, read.cookie(), new byte[8]);
            }
        },
        END_WITH_A_PAYLOAD(1) {
            @Override
            void tell(Peer peer, Request read) throws IOException {
                peer.chunk(true, Nbd.REPLY_TYPE_NONE, read.cookie(), new byte[4]);
            }
        },
        END_THAT_IS_NONE(1) {
            @Override
            void tell(Peer peer, Request read) throws IOException {
                peer.chunk(false, Nbd.REPLY_TYPE_NONE, read.cookie(), new byte[0]);
            }
        },
        UNKNOWN_TYPE(2) {
            @Override
            void tell(Peer peer, Request read) throws IOException {
                peer.chunk(true, 99, read.cookie(), new byte[4]);
            }
        },
        STATUS_FOR_A_READ(1) {
            @Override
            void tell(Peer peer, Request read) throws IOException {
                peer.chunk(true, Nbd.REPLY_TYPE_BLOCK_STATUS, read.cookie(), new byte[12]);
            }
        },
        ERROR_WITH_A_MESSAGE_BEYOND_ITS_END(1) {
            @Override
            void tell(Peer peer, Request read) throws IOException {
                byte[] error = {0, 0, 0, 5, 0, 3, 'a', 'b'};
                peer.chunk(true, Nbd.REPLY_TYPE_ERROR, read.cookie(), error);
            }
        },
        ERROR_THAT_IS_TOO_LONG(1) {
            @Override
            void tell(Peer peer, Request read) throws IOException {
                peer.chunk(true, Nbd.REPLY_TYPE_ERROR, read.cookie(), new byte[5000]);
            }
        },
        ERROR_THAT_IS_TOO_SHORT(2) {
            @Override
            void tell(Peer peer, Request read) throws IOException {
                peer.chunk(true, Nbd.REPLY_TYPE_ERROR, read.cookie(), new byte[4]);
            }
        },
        END_OF_STREAM(1) {
            @Override
            void tell(Peer peer, Request read) throws IOException {
                peer.socket().shutdownOutput();
            }
        },
        END_IN_A_HEADER(1) {
            @Override
            void tell(Peer peer, Request read) throws IOException {
                peer.send(new byte[] {0x66, (byte) 0x8e, 0x33});
                peer.socket().shutdownOutput();
            }
        },
        END_IN_A_PAYLOAD(0) {
            @Override
            void tell(Peer peer, Request read) throws IOException {
                peer.send(
                        ByteBuffer.allocate(16 + 999)
                                .putInt(Nbd.SIMPLE_REPLY_MAGIC)
                                .putInt(0)
                                .putLong(read.cookie())
                                .array());
                peer.socket().shutdownOutput();
            }
        },
        END_IN_THE_SECOND_PIECE(2) {
            @Override
            void tell(Peer peer, Request read) throws IOException {
                peer.data(false, read.cookie(), ToReads.OFFSET, new byte[5000]);
                ByteBuffer piece = ByteBuffer.allocate(60).putLong(ToReads.OFFSET + 5000);
                peer.chunk(true, Nbd.REPLY_TYPE_OFFSET_DATA, read.cookie(), 5008, piece.array());
                peer.socket().shutdownOutput();
            }
        };

        final int level;

        Lie(int level) {
            this.level = level;
        }

        abstract void tell(Peer peer, Request read) throws IOException;
    }

    @Nested
    class ToReads extends RemoteMember {
        static final int OFFSET = 12_345;
        static final int LENGTH = 10_000;

        @ParameterizedTest
        @EnumSource(Lie.class)
        void losesItsConnectionAndTheReadIsDoneByTheNext(Lie lie) throws IOException {
            fill();
            Claims claims = Claims.of(SIZE_BYTES, lie.level);
            RawServer server = lyingOnce(claims, lie::tell, peer -> peer.serveRequests(content));
            NbdDevice device = open(server);
            assertArrayEquals(pattern(OFFSET, LENGTH), read(device, OFFSET, LENGTH).bytes());
            assertEquals(2, server.connections());
        }

        @Test
        void losesItsConnectionWhenItAnswersTwice() throws IOException {
            fill();
            Claims claims = Claims.of(SIZE_BYTES, 0);
            RawServer server =
                    server(
                            peer -> {
                                if (peer.negotiate(claims)) {
                                    Request request = peer.readRequest();
                                    peer.carryOut(request, content);
                                    peer.carryOut(request, content);
                                    peer.serveRequests(content);
                                }
                            });
            NbdDevice device = open(server);
            assertArrayEquals(pattern(0, 100), read(device, 0, 100).bytes());
            NbdHost.await("it is dialled again", () -> server.connections() >= 2);
            assertArrayEquals(pattern(5, 100), read(device, 5, 100).bytes());
        }

        @Test
        void mayAnswerInPiecesOfAnyOrderAndHoles() throws IOException {
            byte[] expected = pattern(OFFSET, LENGTH);
            java.util.Arrays.fill(expected, 3000, 6000, (byte) 0);
            for (int level = 1; level <= 2; level++) {
                Claims claims = Claims.of(SIZE_BYTES, level);
                RawServer server =
                        server(
                                peer -> {
                                    peer.negotiate(claims);
                                    long cookie = peer.readRequest().cookie();
                                    peer.data(
                                            false,
                                            cookie,
                                            OFFSET + 6000,
                                            pattern(OFFSET + 6000, 4000));
                                    peer.hole(false, cookie, OFFSET + 3000, 3000);
                                    peer.data(false, cookie, OFFSET, pattern(OFFSET, 3000));
                                    peer.chunk(true, Nbd.REPLY_TYPE_NONE, cookie, new byte[0]);
                                    peer.awaitEnd();
                                });
                assertArrayEquals(expected, read(open(server), OFFSET, LENGTH).bytes());
                assertEquals(1, server.connections());
            }
        }

        @Test
        void mayReportAnErrorAfterSomeData() throws IOException {
            RawServer server =
                    server(
                            peer -> {
                                peer.negotiate(Claims.of(SIZE_BYTES, 1));
                                long cookie = peer.readRequest().cookie();
                                peer.data(false, cookie, OFFSET, new byte[3000]);
                                byte[] error = {
                                    0, 0, 0, 5, 0, 3, 'b', 'a', 'd', 0, 0, 0, 0, 0, 0, 0, 1
                                };
                                peer.chunk(false, Nbd.REPLY_TYPE_ERROR_OFFSET, cookie, error);
                                peer.chunk(true, Nbd.REPLY_TYPE_NONE, cookie, new byte[0]);
                                peer.awaitEnd();
                            });
            String message = read(open(server), OFFSET, LENGTH).fault().getMessage();
            assertTrue(message.endsWith("EIO, input/output error (bad)"), message);
            assertEquals(1, server.connections());
        }
    }

    @Nested
    class ToQuestionsForExtents extends RemoteMember {
        /// Opens a device on a server that answers the first question by `lie` and the others well.
        private void expectSecondConnection(int level, Telling lie) throws IOException {
            Claims claims = Claims.of(SIZE_BYTES, level);
            RawServer server =
                    lyingOnce(
                            claims,
                            (peer, question) -> lie.tell(peer, question.cookie()),
                            peer -> {
                                long cookie = peer.readRequest().cookie();
                                status(peer, true, cookie, 1, 1000, 3, 9000, 0);
                                peer.awaitEnd();
                            });
            Outcome.Located told = (Outcome.Located) locate(open(server), 0, 8192).await();
            assertEquals(
                    List.of(new Extent(1000, Extent.Kind.HOLE), new Extent(7192, Extent.Kind.DATA)),
                    told.extents());
            assertEquals(2, server.connections());
        }

        interface Telling {
            void tell(Peer peer, long cookie) throws IOException;
        }

        private static void status(Peer peer, boolean last, long cookie, int context, int... runs)
                throws IOException {
            ByteBuffer data = ByteBuffer.allocate(8 + runs.length * 8);
            data.putInt(context);
            if (peer.isExtended()) {
                data.putInt(runs.length / 2);
            }
            for (int run : runs) {
                if (peer.isExtended()) {
                    data.putLong(run);
                } else {
                    data.putInt(run);
                }
            }
            byte[] payload = new byte[data.position()];
            data.flip().get(payload);
            peer.chunk(
                    last,
                    peer.isExtended()
                            ? Nbd.REPLY_TYPE_BLOCK_STATUS_EXT
                            : Nbd.REPLY_TYPE_BLOCK_STATUS,
                    cookie,
                    payload);
        }

        @ParameterizedTest
        @org.junit.jupiter.params.provider.ValueSource(ints = {1, 2})
        void losesItsConnection(int level) throws IOException {
            List<Telling> lies = new ArrayList<>();
            lies.add((peer, cookie) -> status(peer, true, cookie, 1, 0, 0));
            lies.add((peer, cookie) -> status(peer, true, cookie, 7, 4096, 0));
            lies.add((peer, cookie) -> status(peer, true, cookie, 1));
            lies.add((peer, cookie) -> peer.chunk(true, Nbd.REPLY_TYPE_NONE, cookie, new byte[0]));
            lies.add((peer, cookie) -> peer.simpleReply(cookie, 0, new byte[16]));
            lies.add(
                    (peer, cookie) -> {
                        status(peer, false, cookie, 1, 4096, 0);
                        status(peer, true, cookie, 1, 4096, 0);
                    });
            lies.add(
                    (peer, cookie) ->
                            peer.chunk(
                                    true,
                                    Nbd.REPLY_TYPE_BLOCK_STATUS,
                                    cookie,
                                    (long) Integer.MAX_VALUE,
                                    new byte[4]));
            lies.add((peer, cookie) -> peer.data(true, cookie, 0, new byte[100]));
            for (Telling lie : lies) {
                expectSecondConnection(level, lie);
            }
        }
    }

    @Nested
    class ThatClosesEveryConnectionAtOnce extends RemoteMember {
        @Test
        void isDialledEverLessOften() throws IOException {
            Claims claims = Claims.of(SIZE_BYTES, 1);
            RawServer server =
                    server(
                            peer -> {
                                if (peer.negotiate(claims)) {
                                    peer.readRequest();
                                }
                            });
            NbdDevice device = open(options(server.port(), 1, 1_000_000_000L, 0));
            String message = read(device, 0, 100).fault().getMessage();
            assertTrue(message.startsWith("nbd://there/disk: "), message);
            assertTrue(
                    server.connections() < 12,
                    "it was dialled %d times".formatted(server.connections()));
        }
    }
}
