package org.unifiedvolume.targets.nbd.export;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.targets.nbd.NbdHost;
import org.unifiedvolume.targets.nbd.RawClient;
import org.unifiedvolume.targets.nbd.RawClient.OptionReply;
import org.unifiedvolume.targets.nbd.wire.Nbd;

class NbdHandshakeTest {
    private static final byte[] NOTHING = {};

    private static NbdLimits limits(int options, int optionBytes) {
        NbdLimits all = NbdLimits.DEFAULT;
        return new NbdLimits(
                all.connections(),
                all.handshakeNanos(),
                options,
                optionBytes,
                all.payloadBytes(),
                all.requestsInFlight(),
                all.bytesInFlight(),
                all.stallNanos());
    }

    @Nested
    class Greeting extends ServedVolume {
        @Test
        void offersFixedNewstyleWithoutZeroes() throws IOException {
            serve();
            RawClient client = connect();
            client.readGreeting();
            assertEquals(Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES, client.serverFlags());
        }

        @Test
        void unknownClientFlagsEndTheConnection() throws IOException {
            serve();
            RawClient client = connect();
            client.readGreeting();
            client.sendInt(Nbd.FLAG_FIXED_NEWSTYLE | 1 << 9);
            assertTrue(client.isClosedByServer());
        }

        @Test
        void aClientWithoutFixedNewstyleGetsItsExportByName() throws IOException {
            serve();
            RawClient client = connect();
            client.readGreeting();
            client.sendInt(0);
            client.option(Nbd.OPT_EXPORT_NAME, "disk".getBytes(UTF_8));
            byte[] reply = client.socket().getInputStream().readNBytes(10 + 124);
            assertEquals(SIZE_BYTES, ByteBuffer.wrap(reply).getLong());
            for (int i = 10; i < reply.length; i++) {
                assertEquals(0, reply[i]);
            }
            assertEquals(0, client.read(0, 512).error());
        }
    }

    @Nested
    class Options extends ServedVolume {
        @Test
        void thatAreUnknownAreAnsweredSoAndTheHandshakeGoesOn() throws IOException {
            serve();
            RawClient client = greeted();
            for (int option : new int[] {4, 12, 99, -1}) {
                OptionReply reply = client.ask(option, new byte[5]).getLast();
                assertEquals(Nbd.REP_ERR_UNSUP, reply.type());
                assertEquals(option, reply.option());
                assertEquals("unknown option", reply.text());
            }
            client.go("disk");
            assertEquals(0, client.read(0, 16).error());
        }

        @Test
        void withTheWrongMagicEndTheConnection() throws IOException {
            serve();
            RawClient client = greeted();
            client.send(ByteBuffer.allocate(16).putLong(Nbd.IHAVEOPT + 1).array());
            assertTrue(client.isClosedByServer());
        }

        @Test
        void thatAreTooLongAreSkippedAndRefused() throws IOException {
            serve(limits(256, 1000));
            RawClient client = greeted();
            OptionReply reply = client.ask(Nbd.OPT_LIST, new byte[1001]).getLast();
            assertEquals(Nbd.REP_ERR_TOO_BIG, reply.type());
            assertEquals("options have at most 1000 bytes here", reply.text());
            client.go("disk");
            assertEquals(0, client.read(0, 16).error());
        }

        @Test
        void thatAreAbsurdlyLongEndTheConnection() throws IOException {
            serve();
            RawClient client = greeted();
            client.send(
                    ByteBuffer.allocate(16)
                            .putLong(Nbd.IHAVEOPT)
                            .putInt(Nbd.OPT_LIST)
                            .putInt(-1)
                            .array());
            assertTrue(client.isClosedByServer());
        }

        @Test
        void thatAreTooManyEndTheConnection() throws IOException {
            serve(limits(3, 1000));
            RawClient client = greeted();
            for (int i = 0; i < 3; i++) {
                client.ask(50, NOTHING);
            }
            client.option(50, NOTHING);
            assertTrue(client.isClosedByServer());
        }

        @Test
        void thatAreTooLongCountTowardsTheLimitToo() throws IOException {
            serve(limits(3, 1000));
            RawClient client = greeted();
            for (int i = 0; i < 3; i++) {
                client.ask(50, new byte[1001]);
            }
            client.option(50, new byte[1001]);
            assertTrue(client.isClosedByServer());
        }

        @Test
        void withDataThatDoesNotBelongThereAreInvalid() throws IOException {
            serve();
            RawClient client = greeted();
            for (int option :
                    new int[] {
                        Nbd.OPT_LIST,
                        Nbd.OPT_STARTTLS,
                        Nbd.OPT_STRUCTURED_REPLY,
                        Nbd.OPT_EXTENDED_HEADERS
                    }) {
                OptionReply reply = client.ask(option, new byte[1]).getLast();
                assertEquals(Nbd.REP_ERR_INVALID, reply.type());
                assertTrue(reply.text().contains("1 bytes too many"), reply.text());
            }
        }

        @Test
        void mayComeByteByByte() throws IOException {
            serve();
            RawClient client = connect();
            client.readGreeting();
            byte[] data = RawClient.exportData("disk");
            ByteBuffer all = ByteBuffer.allocate(4 + 16 + data.length);
            all.putInt(3).putLong(Nbd.IHAVEOPT).putInt(Nbd.OPT_GO).putInt(data.length).put(data);
            for (byte one : all.array()) {
                client.send(new byte[] {one});
            }
            assertEquals(Nbd.REP_INFO, client.readOptionReply().type());
            assertEquals(Nbd.REP_ACK, client.readOptionReply().type());
            assertEquals(0, client.read(0, 16).error());
        }

        @Test
        void thatComeInOnePieceWithTheFirstRequestsAreAllAnswered() throws IOException {
            serve();
            fill();
            RawClient client = connect();
            client.readGreeting();
            byte[] data = RawClient.exportData("disk");
            ByteBuffer options = ByteBuffer.allocate(4 + 16 + data.length);
            options.putInt(3).putLong(Nbd.IHAVEOPT).putInt(Nbd.OPT_GO);
            options.putInt(data.length).put(data);
            client.send(
                    RawClient.join(
                            options.array(),
                            client.header(0, Nbd.CMD_READ, 5, 300, 10),
                            client.header(0, Nbd.CMD_READ, 6, 600, 10)));
            assertEquals(Nbd.REP_INFO, client.readOptionReply().type());
            assertEquals(Nbd.REP_ACK, client.readOptionReply().type());
            assertEquals(5, client.readReply(10).cookie());
            assertEquals(6, client.readReply(10).cookie());
        }

        @Test
        void abortIsAcknowledgedBeforeTheConnectionEnds() throws IOException {
            serve();
            RawClient client = greeted();
            assertEquals(Nbd.REP_ACK, client.ask(Nbd.OPT_ABORT, NOTHING).getLast().type());
            assertTrue(client.isClosedByServer());
        }

        @Test
        void startTlsIsRefusedWhereThereIsNone() throws IOException {
            serve();
            RawClient client = greeted();
            OptionReply reply = client.ask(Nbd.OPT_STARTTLS, NOTHING).getLast();
            assertEquals(Nbd.REP_ERR_POLICY, reply.type());
            assertEquals("this server does not offer TLS", reply.text());
            client.go("disk");
            assertEquals(0, client.read(0, 16).error());
        }

        @Test
        void structuredRepliesAreRefusedAfterExtendedHeaders() throws IOException {
            serve();
            RawClient client = greeted();
            client.acknowledged(Nbd.OPT_EXTENDED_HEADERS, NOTHING);
            OptionReply reply = client.ask(Nbd.OPT_STRUCTURED_REPLY, NOTHING).getLast();
            assertEquals(Nbd.REP_ERR_EXT_HEADER_REQD, reply.type());
        }
    }

    @Nested
    class TheList extends ServedVolume {
        @Test
        void namesEveryExportInOrderWithADescription() throws IOException {
            serve();
            server.add(new NbdExport("another", volume, true));
            server.add(new NbdExport("späti", volume, false));
            List<String> listed = new ArrayList<>();
            List<OptionReply> replies = greeted().ask(Nbd.OPT_LIST, NOTHING);
            assertEquals(Nbd.REP_ACK, replies.removeLast().type());
            for (OptionReply reply : replies) {
                assertEquals(Nbd.REP_SERVER, reply.type());
                byte[] name = new byte[reply.buffer().getInt()];
                reply.buffer().get(4, name);
                listed.add(new String(name, UTF_8));
                assertTrue(reply.text().endsWith("volume media"));
            }
            assertEquals(List.of("another", "disk", "späti"), listed);
        }

        @Test
        void isEmptyWhenNothingIsServed() throws IOException {
            server = listen(NbdLimits.DEFAULT, null);
            RawClient client = greeted();
            assertEquals(
                    List.of(Nbd.REP_ACK),
                    client.ask(Nbd.OPT_LIST, NOTHING).stream().map(OptionReply::type).toList());
            client.close();
            NbdHost.await("the client is gone", () -> server.connectionCount() == 0);
        }
    }

    @Nested
    class InfoAndGo extends ServedVolume {
        @Test
        void nameAnExportThatIsNotHere() throws IOException {
            serve();
            RawClient client = greeted();
            for (int option : new int[] {Nbd.OPT_INFO, Nbd.OPT_GO}) {
                OptionReply reply = client.ask(option, RawClient.exportData("disc")).getLast();
                assertEquals(Nbd.REP_ERR_UNKNOWN, reply.type());
                assertEquals("there is no export \"disc\" here", reply.text());
            }
            client.go("disk");
            assertEquals(SIZE_BYTES, client.sizeBytes());
        }

        @Test
        void withoutANameMeanTheOnlyExport() throws IOException {
            serve();
            RawClient client = greeted();
            client.go("");
            assertEquals(SIZE_BYTES, client.sizeBytes());
            server.add(new NbdExport("another", volume, false));
            OptionReply reply = greeted().ask(Nbd.OPT_GO, RawClient.exportData("")).getLast();
            assertEquals(Nbd.REP_ERR_UNKNOWN, reply.type());
        }

        @Test
        void tellBlockSizesNameAndDescriptionWhenAsked() throws IOException {
            serve();
            List<OptionReply> replies =
                    greeted()
                            .ask(
                                    Nbd.OPT_INFO,
                                    RawClient.exportData(
                                            "disk",
                                            Nbd.INFO_BLOCK_SIZE,
                                            Nbd.INFO_NAME,
                                            Nbd.INFO_DESCRIPTION,
                                            99));
            assertEquals(5, replies.size());
            ByteBuffer sizes = replies.get(1).buffer();
            assertEquals(Nbd.INFO_BLOCK_SIZE, sizes.getShort());
            assertEquals(1, sizes.getInt());
            assertEquals(4096, sizes.getInt());
            assertEquals(32 << 20, sizes.getInt());
            assertEquals("disk", replies.get(2).text().substring(2));
            assertEquals("volume media", replies.get(3).text().substring(2));
        }

        @Test
        void infoIsFollowedByMoreOptions() throws IOException {
            serve();
            RawClient client = greeted();
            client.ask(Nbd.OPT_INFO, RawClient.exportData("disk"));
            client.ask(Nbd.OPT_INFO, RawClient.exportData("disk"));
            client.go("disk");
            assertEquals(0, client.read(0, 1).error());
        }

        @Test
        void cutShortAreInvalid() throws IOException {
            serve();
            RawClient client = greeted();
            OptionReply reply = client.ask(Nbd.OPT_GO, new byte[] {0, 0, 0, 9, 'd'}).getLast();
            assertEquals(Nbd.REP_ERR_INVALID, reply.type());
            assertTrue(reply.text().contains("a string of 9 bytes"), reply.text());
            reply = client.ask(Nbd.OPT_GO, new byte[3]).getLast();
            assertEquals(Nbd.REP_ERR_INVALID, reply.type());
            byte[] badText = {0, 0, 0, 1, (byte) 0xff, 0, 0};
            reply = client.ask(Nbd.OPT_GO, badText).getLast();
            assertTrue(reply.text().contains("not UTF-8"), reply.text());
            client.go("disk");
            assertEquals(0, client.read(0, 1).error());
        }

        @Test
        void aClientThatIgnoresLargeBlocksIsToldSo() throws IOException {
            serve(NbdLimits.DEFAULT, onGrid(512), false);
            RawClient client = greeted();
            OptionReply reply = client.go("disk").getLast();
            assertEquals(Nbd.REP_ERR_BLOCK_SIZE_REQD, reply.type());
            assertTrue(reply.text().contains("512 bytes"), reply.text());
            client.go("disk", Nbd.INFO_BLOCK_SIZE);
            assertEquals(0, client.read(512, 512).error());
        }

        @Test
        void theFlagsSayWhatTheExportCan() throws IOException {
            serve();
            RawClient client = simple();
            int common =
                    Nbd.FLAG_HAS_FLAGS
                            | Nbd.FLAG_CAN_MULTI_CONN
                            | Nbd.FLAG_SEND_CACHE
                            | Nbd.FLAG_SEND_FLUSH
                            | Nbd.FLAG_SEND_FUA
                            | Nbd.FLAG_SEND_TRIM
                            | Nbd.FLAG_SEND_WRITE_ZEROES
                            | Nbd.FLAG_SEND_FAST_ZERO;
            assertEquals(common, client.flags());
            assertEquals(common | Nbd.FLAG_SEND_DF, structured().flags());
            assertEquals(
                    common | Nbd.FLAG_SEND_DF | Nbd.FLAG_BLOCK_STATUS_PAYLOAD, extended().flags());
            server.add(new NbdExport("locked", volume, true));
            RawClient reader = greeted();
            reader.go("locked");
            assertEquals(
                    Nbd.FLAG_HAS_FLAGS
                            | Nbd.FLAG_CAN_MULTI_CONN
                            | Nbd.FLAG_SEND_CACHE
                            | Nbd.FLAG_READ_ONLY,
                    reader.flags());
            reader.close();
        }
    }

    @Nested
    class BadClients extends ServedVolume {
        @Test
        void aClientThatTakesTooLongIsSentAway() throws IOException {
            serve(NbdLimits.DEFAULT.withHandshakeNanos(50_000_000));
            RawClient silent = connect();
            RawClient halfway = greeted();
            halfway.send(new byte[7]);
            silent.readGreeting();
            assertTrue(silent.isClosedByServer());
            assertTrue(halfway.isClosedByServer());
        }

        @Test
        void theTimeLimitEndsWithTheHandshake() throws IOException {
            serve(NbdLimits.DEFAULT.withHandshakeNanos(100_000_000));
            RawClient user = simple();
            RawClient silent = connect();
            silent.readGreeting();
            assertTrue(silent.isClosedByServer());
            assertEquals(0, user.read(0, 1).error());
        }

        @Test
        void anyBytesEndInAReplyOrAClosedConnection() throws IOException {
            serve();
            long seed = Long.getLong("uvol.seed", System.nanoTime());
            Random random = new Random(seed);
            for (int i = 0; i < 50; i++) {
                try (RawClient client = RawClient.greeted(port())) {
                    byte[] noise = new byte[random.nextInt(200)];
                    random.nextBytes(noise);
                    client.send(noise);
                    client.socket().shutdownOutput();
                    byte[] rest = client.socket().getInputStream().readAllBytes();
                    assertFalse(rest.length > 1 << 16, "seed " + seed);
                } catch (java.net.SocketException e) {
                    // the server ended the connection while bytes were still under way
                    assertTrue(server.connectionCount() >= 0);
                }
            }
            assertEquals(0, simple().read(0, 16).error());
        }
    }
}
