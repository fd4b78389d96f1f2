package org.unifiedvolume.raid.stripe;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.provider.MethodSource;
import org.unifiedvolume.testkit.Seeds;

/// Whatever bytes a member holds where its journal should be, they are a head or a header that can
/// be, or none. Valid ones survive the round trip.
class JournalFuzzTest {
    private static final UUID ARRAY = new UUID(11, 12);
    private static final int ROUNDS = 4000;
    private static final int CHECKSUM_AT = 8;

    static List<byte[]> seeds() {
        List<byte[]> all = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            all.add(encoded(header(Seeds.random(i))));
            all.add(head(Seeds.random(i)).encode());
        }
        return all;
    }

    /// The checksum is put right, so that what is behind it is tried too.
    @MethodSource("seeds")
    @FuzzTest(maxDuration = "2m")
    void anyBytes(byte[] input) {
        decode(input);
        if (input.length >= JournalHeader.BYTES) {
            byte[] right = input.clone();
            ByteBuffer block = ByteBuffer.wrap(right).order(ByteOrder.LITTLE_ENDIAN);
            block.putInt(CHECKSUM_AT, JournalHead.checksum(block));
            decode(right);
        }
    }

    private static void decode(byte[] input) {
        JournalHeader header = JournalHeader.decode(ByteBuffer.wrap(input), ARRAY);
        if (header != null) {
            long blocks = 0;
            for (JournalHeader.Item item : header.records()) {
                assertTrue(item.row() >= 0 && item.endRow() > item.row(), item::toString);
                blocks += item.blockBytes();
            }
            assertTrue(header.lengthBytes() >= JournalHeader.BYTES + blocks);
            assertTrue(header.oldest() <= header.sequence());
            assertEquals(header, JournalHeader.decode(ByteBuffer.wrap(encoded(header)), ARRAY));
        }
        JournalHead head = JournalHead.decode(ByteBuffer.wrap(input), ARRAY);
        if (head != null) {
            assertTrue(head.position() >= 0 && head.position() < head.ringBytes());
            assertEquals(head, JournalHead.decode(ByteBuffer.wrap(head.encode()), ARRAY));
        }
    }

    @Test
    void whatIsWrittenIsReadAndDamageIsNoticed() {
        Seeds.each(
                ROUNDS,
                "JournalFuzzTest#whatIsWrittenIsReadAndDamageIsNoticed",
                seed -> {
                    RandomGenerator random = Seeds.random(seed);
                    JournalHeader header = header(random);
                    byte[] bytes = encoded(header);
                    assertEquals(header, JournalHeader.decode(ByteBuffer.wrap(bytes), ARRAY));
                    assertNull(
                            JournalHeader.decode(ByteBuffer.wrap(bytes), new UUID(11, 13)),
                            "an entry of another array");
                    JournalHead head = head(random);
                    byte[] headBytes = head.encode();
                    assertEquals(head, JournalHead.decode(ByteBuffer.wrap(headBytes), ARRAY));
                    int at = random.nextInt(bytes.length);
                    bytes[at] ^= (byte) (1 << random.nextInt(8));
                    assertNull(JournalHeader.decode(ByteBuffer.wrap(bytes), ARRAY));
                    headBytes[at] ^= (byte) (1 << random.nextInt(8));
                    assertNull(JournalHead.decode(ByteBuffer.wrap(headBytes), ARRAY));
                    anyBytesWith(random, headBytes);
                });
    }

    /// Fields changed at random behind a checksum that is right again.
    private static void anyBytesWith(RandomGenerator random, byte[] ofHead) {
        byte[] bytes = random.nextBoolean() ? ofHead : encoded(header(random));
        for (int i = random.nextInt(4); i >= 0; i--) {
            bytes[16 + random.nextInt(128)] = (byte) random.nextInt();
        }
        ByteBuffer block = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        block.putInt(CHECKSUM_AT, JournalHead.checksum(block));
        decode(bytes);
    }

    /// Byte for byte as `docs/on-disk-format.md` says.
    @Test
    void aHeaderIsAsDocumented() {
        JournalHeader header =
                new JournalHeader(
                        new UUID(0x0102030405060708L, 0x090a0b0c0d0e0f10L),
                        7,
                        0x1122,
                        0x1120,
                        List.of(
                                new JournalHeader.Item(
                                        3, JournalHeader.Kind.BLOCKS, 0x10000, 512, 0xabcdef01),
                                new JournalHeader.Item(
                                        JournalHeader.ALL_ROLES,
                                        JournalHeader.Kind.REVOKES,
                                        4096,
                                        8192,
                                        0)));
        ByteBuffer bytes = ByteBuffer.wrap(encoded(header)).order(ByteOrder.LITTLE_ENDIAN);
        assertEquals("UVOLJRNL", new String(bytes.array(), 0, 8, US_ASCII));
        assertEquals(2, bytes.getInt(12));
        assertEquals(1, bytes.get(16));
        assertEquals(16, bytes.get(31));
        assertEquals(0x1122, bytes.getLong(32));
        assertEquals(0x1120, bytes.getLong(40));
        assertEquals(8192, bytes.getLong(48));
        assertEquals(7, bytes.getLong(56));
        assertEquals(3, bytes.getInt(64));
        assertEquals(0, bytes.getInt(68));
        assertEquals(0x10000, bytes.getLong(72));
        assertEquals(512, bytes.getLong(80));
        assertEquals(0xabcdef01, bytes.getInt(88));
        assertEquals(-1, bytes.getInt(96));
        assertEquals(1, bytes.getInt(100));
        assertNotNull(JournalHeader.decode(bytes.rewind(), header.array()));
    }

    private static byte[] encoded(JournalHeader header) {
        byte[] bytes = new byte[JournalHeader.BYTES];
        Arrays.fill(bytes, (byte) 0x77);
        header.encode(ByteBuffer.wrap(bytes));
        return bytes;
    }

    private static JournalHead head(RandomGenerator random) {
        long ring = (1 + random.nextInt(1 << 16)) * 4096L;
        return new JournalHead(
                ARRAY,
                random.nextLong(Long.MAX_VALUE),
                random.nextLong(),
                random.nextLong(),
                ring,
                random.nextLong(Long.MAX_VALUE),
                random.nextLong(ring / 4096) * 4096);
    }

    private static JournalHeader header(RandomGenerator random) {
        List<JournalHeader.Item> items = new ArrayList<>();
        for (int i = random.nextInt(JournalHeader.MOST_RECORDS + 1); i > 0; i--) {
            JournalHeader.Kind kind =
                    JournalHeader.Kind.values()[random.nextInt(JournalHeader.Kind.values().length)];
            items.add(
                    new JournalHeader.Item(
                            switch (kind) {
                                case REVOKES -> JournalHeader.ALL_ROLES;
                                case RESHAPES -> 1 + random.nextInt(64);
                                case BLOCKS, ZEROES -> random.nextInt(64);
                            },
                            kind,
                            random.nextLong(1L << 50),
                            1 + random.nextLong(1 << 20),
                            random.nextInt()));
        }
        long sequence = random.nextLong(1L << 60);
        return new JournalHeader(
                ARRAY,
                random.nextLong(),
                sequence,
                sequence - random.nextLong(sequence + 1),
                items);
    }
}
