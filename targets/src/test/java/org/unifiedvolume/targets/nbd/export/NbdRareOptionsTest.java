package org.unifiedvolume.targets.nbd.export;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.targets.nbd.RawClient;
import org.unifiedvolume.targets.nbd.RawClient.OptionReply;
import org.unifiedvolume.targets.nbd.wire.Nbd;

/// Options that only some clients use: metadata contexts, and exports by their name alone.
class NbdRareOptionsTest {
    private static final byte[] NOTHING = {};

    @Nested
    class MetaContexts extends ServedVolume {
        private static List<String> names(List<OptionReply> replies) {
            assertEquals(Nbd.REP_ACK, replies.getLast().type());
            return replies.subList(0, replies.size() - 1).stream()
                    .map(reply -> reply.text().substring(4))
                    .toList();
        }

        private static List<String> list(RawClient client, String... queries) throws IOException {
            return names(
                    client.ask(Nbd.OPT_LIST_META_CONTEXT, RawClient.contextData("disk", queries)));
        }

        @Test
        void needStructuredReplies() throws IOException {
            serve();
            OptionReply reply = greeted().setContexts("disk", "base:allocation").getLast();
            assertEquals(Nbd.REP_ERR_INVALID, reply.type());
            assertEquals("ask for structured replies first", reply.text());
        }

        @Test
        void areListedByNameNamespaceOrAllTogether() throws IOException {
            serve();
            RawClient client = greeted();
            client.acknowledged(Nbd.OPT_STRUCTURED_REPLY, NOTHING);
            assertEquals(List.of("base:allocation", "x-uvol:locality"), list(client));
            assertEquals(List.of("base:allocation"), list(client, "base:"));
            assertEquals(List.of("x-uvol:locality"), list(client, "x-uvol:"));
            assertEquals(List.of("x-uvol:locality"), list(client, "x-uvol:locality"));
            assertEquals(
                    List.of("base:allocation", "x-uvol:locality"),
                    list(client, "x-uvol:", "base:allocation", "base:"));
            assertEquals(List.of(), list(client, "base:none", "qemu:", "", "base"));
        }

        @Test
        void areSelectedByFullNameOnly() throws IOException {
            serve();
            RawClient client = greeted();
            client.acknowledged(Nbd.OPT_STRUCTURED_REPLY, NOTHING);
            assertEquals(List.of(), names(client.setContexts("disk", "base:", "x-uvol:")));
            assertEquals(
                    List.of("base:allocation"),
                    names(client.setContexts("disk", "base:allocation", "base:allocation")));
        }

        @Test
        void ofAnotherExportDoNotCount() throws IOException {
            serve();
            server.add(new NbdExport("another", volume, false));
            RawClient client = greeted();
            client.acknowledged(Nbd.OPT_STRUCTURED_REPLY, NOTHING);
            client.setContexts("another", "base:allocation");
            client.go("disk");
            RawClient.Reply reply = client.call(0, Nbd.CMD_BLOCK_STATUS, 0, 4096);
            assertEquals(22, reply.error());
        }

        @Test
        void areForgottenWhenASelectionFails() throws IOException {
            serve();
            RawClient client = greeted();
            client.acknowledged(Nbd.OPT_STRUCTURED_REPLY, NOTHING);
            client.setContexts("disk", "base:allocation");
            assertEquals(
                    Nbd.REP_ERR_UNKNOWN,
                    client.setContexts("disc", "base:allocation").getLast().type());
            client.go("disk");
            assertEquals(22, client.call(0, Nbd.CMD_BLOCK_STATUS, 0, 4096).error());
        }

        @Test
        void queriesThatAreTooManyOrTooLongAreRefused() throws IOException {
            serve();
            RawClient client = greeted();
            client.acknowledged(Nbd.OPT_STRUCTURED_REPLY, NOTHING);
            OptionReply many =
                    client.ask(
                                    Nbd.OPT_LIST_META_CONTEXT,
                                    ByteBuffer.allocate(12)
                                            .putInt(4)
                                            .put("disk".getBytes(UTF_8))
                                            .putInt(-1)
                                            .array())
                            .getLast();
            assertEquals(Nbd.REP_ERR_TOO_BIG, many.type());
            OptionReply longOne = client.setContexts("disk", "base:" + "x".repeat(5000)).getLast();
            assertEquals(Nbd.REP_ERR_INVALID, longOne.type());
            assertTrue(longOne.text().contains("4096"), longOne.text());
            client.go("disk");
            assertEquals(0, client.call(0, Nbd.CMD_FLUSH, 0, 0).error());
        }
    }

    @Nested
    class ExportName extends ServedVolume {
        @Test
        void ofAnExportThatIsNotHereEndsTheConnection() throws IOException {
            serve();
            RawClient client = greeted();
            client.option(Nbd.OPT_EXPORT_NAME, "disc".getBytes(UTF_8));
            assertTrue(client.isClosedByServer());
        }

        @Test
        void withoutZeroesIsAnsweredByTenBytes() throws IOException {
            serve();
            fill();
            RawClient client = greeted();
            client.option(Nbd.OPT_EXPORT_NAME, "disk".getBytes(UTF_8));
            byte[] reply = client.socket().getInputStream().readNBytes(10);
            assertEquals(SIZE_BYTES, ByteBuffer.wrap(reply).getLong());
            assertEquals(0, client.read(99, 7).error());
        }

        @Test
        void cannotTellOfLargeBlocksSoTheConnectionEnds() throws IOException {
            serve(NbdLimits.DEFAULT, onGrid(512), false);
            RawClient client = greeted();
            client.option(Nbd.OPT_EXPORT_NAME, "disk".getBytes(UTF_8));
            assertTrue(client.isClosedByServer());
        }

        @Test
        void mustNotFollowExtendedHeaders() throws IOException {
            serve();
            RawClient client = greeted();
            client.acknowledged(Nbd.OPT_EXTENDED_HEADERS, NOTHING);
            client.option(Nbd.OPT_EXPORT_NAME, "disk".getBytes(UTF_8));
            assertEquals(Nbd.REP_ERR_INVALID, client.readOptionReply().type());
        }
    }
}
