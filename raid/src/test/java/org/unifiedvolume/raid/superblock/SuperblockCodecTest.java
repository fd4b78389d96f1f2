package org.unifiedvolume.raid.superblock;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.unifiedvolume.raid.superblock.Samples.int4;
import static org.unifiedvolume.raid.superblock.Samples.int8;
import static org.unifiedvolume.raid.superblock.Samples.patched;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.raid.superblock.SuperblockFault.Kind;

/// Superblocks as bytes, against `docs/on-disk-format.md`.
class SuperblockCodecTest {
    private final Superblock mirror = Samples.mirror();
    private final byte[] bytes = SuperblockCodec.encode(mirror, 0);

    private static List<Superblock> samples() {
        return List.of(
                Samples.mirror(),
                Samples.mirrorAtEnd(),
                Samples.array(ArrayDescription.LINEAR, 3, 0, MetadataPlace.START),
                Samples.array(0, 4, 65536, MetadataPlace.START),
                Samples.reshaped(),
                Samples.reshaped(5, 4, 2, 6 * 4096),
                Samples.reshaped(6, 6, 3, 0),
                Samples.array(5, 3, 65536, MetadataPlace.END),
                Samples.array(6, 64, 4096, MetadataPlace.START),
                Samples.array(10, 5, 16 << 20, MetadataPlace.START));
    }

    private static SuperblockFault fault(byte[] bytes, int slot) {
        return assertThrows(SuperblockFault.class, () -> SuperblockCodec.decode(bytes, slot));
    }

    @Test
    void whatWasEncodedIsDecoded() throws SuperblockFault {
        for (Superblock sample : samples()) {
            for (int slot = 0; slot < 2; slot++) {
                byte[] encoded = SuperblockCodec.encode(sample, slot);
                assertEquals(sample, SuperblockCodec.decode(encoded, slot));
                assertEquals(Kind.DAMAGED, fault(encoded, 1 - slot).kind());
            }
        }
    }

    @Test
    void everyFlippedBitIsSeen() {
        for (int bit = 0; bit < bytes.length * 8; bit++) {
            byte[] flipped = bytes.clone();
            flipped[bit / 8] ^= (byte) (1 << bit % 8);
            Kind kind = fault(flipped, 0).kind();
            assertEquals(bit < 64 ? Kind.NONE : Kind.DAMAGED, kind, "bit " + bit);
        }
    }

    @Test
    void aTornWriteIsSeenAtEverySector() {
        Superblock large = Samples.array(6, 64, 4096, MetadataPlace.START);
        byte[] older = SuperblockCodec.encode(large, 0);
        byte[] newer = SuperblockCodec.encode(Samples.with(large, 9, large.epoch()), 0);
        for (int cut = 512; cut < older.length; cut += 512) {
            byte[] torn = older.clone();
            System.arraycopy(newer, 0, torn, 0, cut);
            assertEquals(Kind.DAMAGED, fault(torn, 0).kind(), "after " + cut);
            byte[] inversely = newer.clone();
            System.arraycopy(older, 0, inversely, 0, cut);
            assertEquals(Kind.DAMAGED, fault(inversely, 0).kind(), "but for " + cut);
        }
    }

    /// Written by hand from the tables of the format, field by field.
    @Test
    void theBytesAreThoseOfTheFormat() throws Exception {
        String head =
                """
                55564f4c52414944 01000000 00200000 CCCCCCCC 00000000
                0300000000000000 0000000000000000 0000000000000000
                00112233445566778899aabbccddeeff 11111111111111110000000000000001
                6d65646961000000000000000000000000000000000000000000000000000000
                01000000 02000000 0000000000000000 0000300600000000 0000300600000000
                0000100000000000 0000300600000000 0000400600000000 00000000 00000000
                02000000 02000000 0700000000000000 0300000000000000 3333000000000000
                1100000000000000 1200000000000000 00000000 00000000
                0000020000000000 0010000000000000 0000100000000000 0500000000000000
                0000000000000000 0000000000000000 0000000000000000 0000000000000000
                00000000 00000000 0010020000000000 0010000000000000
                ffffffffffffffff 00000000 00000000 0000000000000000
                0000000000000000 0000000000000000
                """;
        String epochs = "0200000000000000 2222000000000000 0100000000000000 1111000000000000";
        String entry0 =
                "11111111111111110000000000000001 00000000 01000000 005e56eea1010000"
                        + " 0600000000000000 0000300600000000";
        byte[] golden = new byte[8192];
        put(golden, 0, head.replace("CCCCCCCC", "00000000"));
        put(golden, 512, epochs);
        for (int role = 0; role < 2; role++) {
            int at = 1024 + 112 * role;
            put(golden, at, entry0);
            golden[at + 15] = (byte) (role + 1);
            golden[at + 16] = (byte) role;
            golden[at + 24] += (byte) role;
            byte[] place = ("nbd://host" + role + "/disk").getBytes(StandardCharsets.UTF_8);
            System.arraycopy(place, 0, golden, at + 48, place.length);
        }
        System.arraycopy(int4(crc32c(golden)), 0, golden, 16, 4);
        assertArrayEquals(golden, bytes);
        assertEquals(mirror, SuperblockCodec.decode(golden, 0));
    }

    private static void put(byte[] target, int offset, String hex) {
        byte[] field = HexFormat.of().parseHex(hex.replaceAll("\\s", ""));
        System.arraycopy(field, 0, target, offset, field.length);
    }

    /// Castagnoli's polynomial bit by bit, so that the test does not trust the library.
    private static int crc32c(byte[] all) {
        int crc = -1;
        for (byte b : all) {
            crc ^= b & 0xff;
            for (int i = 0; i < 8; i++) {
                crc = crc >>> 1 ^ ((crc & 1) == 0 ? 0 : 0x82f63b78);
            }
        }
        return ~crc;
    }

    @Test
    void aLaterReleasesSuperblockIsNamed() {
        SuperblockFault version = fault(patched(bytes, 8, int4(2)), 0);
        assertEquals(Kind.FUTURE, version.kind());
        assertTrue(version.getMessage().contains("version 2"), version.getMessage());
        assertEquals(Kind.FUTURE, fault(patched(bytes, 8, int4(-1)), 0).kind());
        assertEquals(Kind.FUTURE, fault(patched(bytes, 32, int8(1)), 0).kind());
        for (int bit = 3; bit < 64; bit++) {
            assertEquals(Kind.FUTURE, fault(patched(bytes, 40, int8(1L << bit)), 0).kind());
        }
    }

    @Test
    void unknownCompatibleFeaturesAndReservedBytesAreNoObstacle() throws SuperblockFault {
        assertEquals(mirror, SuperblockCodec.decode(patched(bytes, 24, int8(0xff03)), 0));
        assertEquals(mirror, SuperblockCodec.decode(patched(bytes, 360, new byte[] {7}), 0));
    }

    @Test
    void whatCannotBeIsRefused() {
        long far = Long.MAX_VALUE;
        impossible("version", 8, int4(0));
        impossible("bitmap", 24, int8(2));
        impossible("bad blocks", 24, int8(1));
        impossible("journal", 40, int8(1));
        impossible("integrity", 40, int8(4));
        impossible("UTF-8", 80, (byte) 0xc3, (byte) 0x28);
        impossible("level", 112, int4(2));
        impossible("level", 112, int4(-2));
        impossible("copies", 116, int4(1));
        impossible("copies", 116, int4(3));
        impossible("chunk", 120, int8(4096));
        impossible("the array has 0", 128, int8(0));
        impossible("the array has -1", 128, int8(-1));
        impossible("the array has", 128, int8(mirror.array().sizeBytes() + 1));
        impossible("the array has", 128, int8(far));
        impossible("it uses 0", 136, int8(0));
        impossible("it uses", 136, int8(mirror.array().rowBytes() + 1));
        impossible("members have", 136, int8(far));
        impossible("data", 144, int8(-4096));
        impossible("data", 144, int8(far));
        impossible("data", 144, int8((1 << 20) + 512));
        impossible("overlap", 144, int8(128 << 10));
        impossible("a superblock overlap", 144, int8(0));
        impossible("data", 152, int8(far));
        impossible("data", 152, int8(-1));
        impossible("no room", 160, int8(4096));
        impossible("its member has -1", 160, int8(-1));
        impossible("data", 160, int8(99 << 20));
        impossible("place of metadata", 168, int4(2));
        impossible("role is 2", 172, int4(2));
        impossible("role is -2", 172, int4(-2));
        impossible("own table", 172, int4(1));
        impossible("own table", 64, int8(5));
        impossible("0 roles", 176, int4(0));
        impossible("65 roles", 176, int4(65));
        impossible("roles have no member", 176, int4(3), 116, int4(3));
        impossible("-1 roles", 176, int4(-1));
        impossible("table has 0", 180, int4(0));
        impossible("table has 65", 180, int4(65));
        impossible("roles have no member", 180, int4(1));
        impossible("entry 2 is unknown", 180, int4(3));
        impossible("-1 events", 184, int8(-1));
        impossible("bits were cleared", 184, int8(4));
        impossible("known at event 6 of 5", 184, int8(5));
        impossible("epoch", 192, int8(0));
        impossible("stands before", 192, int8(2));
        impossible("primary", 228, int4(2));
        impossible("primary", 228, int4(-1));
        impossible("bitmap", 232, int8(128 * 1024 + 512));
        impossible("overlap", 232, int8(132 << 10));
        impossible("bitmap", 240, int8(100));
        impossible("bitmap", 240, int8(0));
        impossible("bitmap", 232, int8(132 * 1024 + 4096), 240, int8(72 << 10));
        impossible("a bit stands for 0", 248, int8(0));
        impossible("a bit stands for", 248, int8(512 << 10));
        impossible("a bit stands for", 248, int8(3 << 20));
        impossible("a bit stands for", 248, int8(Long.MIN_VALUE));
        impossible("bits were cleared", 256, int8(8));
        impossible("bits were cleared", 256, int8(-1));
        impossible("journal", 264, int8(136 << 10));
        impossible("journal", 264, int8(136 << 10), 272, int8(4096));
        impossible("integrity", 280, int8(136 << 10), 288, int8(4096));
        impossible("checksums are of kind 1", 296, int4(1));
        impossible("checksums that are not there", 300, int4(1));
        impossible("bad blocks", 312, int8(8192));
        impossible("reshape", 320, int8(0));
        impossible("reshape", 40, int8(2));
        impossible("raid1 is being reshaped", 40, int8(2), 320, int8(0));
        impossible("stands before", 512, int8(3));
        impossible("stands before", 528, int8(2));
        impossible("stands before", 512, int8(-1));
        impossible("two members are", 1024 + 112 + 8, Arrays.copyOfRange(bytes, 1032, 1040));
        impossible("two members have role", 1024 + 112 + 16, int4(0), 1024 + 112 + 20, int4(2));
        impossible("has role 2", 1024 + 112 + 16, int4(2));
        impossible("has role -1", 1024 + 112 + 16, int4(-1));
        impossible("unknown", 1024 + 112 + 20, int4(0));
        impossible("unknown", 1024 + 112 + 20, int4(7));
        impossible("some roles have no member", 1024 + 112 + 20, int4(5));
        impossible("SPARE", 1024 + 112 + 20, int4(4));
        impossible("known at event -1", 1024 + 112 + 32, int8(-1));
        impossible("known at event 8", 1024 + 112 + 32, int8(8));
        impossible("filled up to -1", 1024 + 112 + 40, int8(-1));
        impossible("filled up to", 1024 + 112 + 40, int8(far));
        impossible("UTF-8", 1024 + 112 + 48, (byte) 0xff);
    }

    private void impossible(String says, int offset, byte... field) {
        isImpossible(says, patched(bytes, offset, field));
    }

    private void impossible(String says, int one, byte[] field, int other, byte... otherField) {
        isImpossible(says, patched(patched(bytes, one, field), other, otherField));
    }

    private static void isImpossible(String says, byte[] patched) {
        SuperblockFault fault = fault(patched, 0);
        assertEquals(Kind.IMPOSSIBLE, fault.kind(), fault.getMessage());
        assertTrue(fault.getMessage().contains(says), fault.getMessage() + " for " + says);
    }

    @Test
    void checksumsLieWhereTheFormatSaysAndAreChecked() throws SuperblockFault {
        for (MetadataPlace place : MetadataPlace.values()) {
            Superblock one = Samples.mirrorWithChecksums(place);
            byte[] encoded = SuperblockCodec.encode(one, 0);
            assertEquals(one, SuperblockCodec.decode(encoded, 0));
            ByteBuffer fields = ByteBuffer.wrap(encoded).order(ByteOrder.LITTLE_ENDIAN);
            assertEquals(4, fields.getLong(40));
            assertEquals(one.areas().checksums().offset(), fields.getLong(280));
            assertEquals(one.areas().checksums().length(), fields.getLong(288));
            assertEquals(1, fields.getInt(296));
            assertEquals(1, fields.getInt(300));
            isImpossible("integrity", patched(encoded, 40, int8(0)));
            isImpossible("integrity", patched(patched(encoded, 280, int8(0)), 288, int8(0)));
            isImpossible("kind 0", patched(encoded, 296, int4(0)));
            isImpossible("kind 2", patched(encoded, 296, int4(2)));
            isImpossible("its checksums have", patched(encoded, 288, int8(4096)));
            isImpossible("checksums", patched(encoded, 280, int8(Long.MAX_VALUE - 4095)));
            long rows = one.array().rowBytes();
            isImpossible(
                    "whole blocks",
                    patched(patched(encoded, 136, int8(rows - 512)), 128, int8(rows - 512)));
        }
    }

    @Test
    void chunksAreWithinTheirBounds() {
        byte[] striped = SuperblockCodec.encode(Samples.array(5, 3, 65536, MetadataPlace.START), 0);
        isImpossible("chunk", patched(striped, 120, int8(2048)));
        isImpossible("chunk", patched(striped, 120, int8(32 << 20)));
        isImpossible("chunk", patched(striped, 120, int8(3 << 16)));
        isImpossible("chunk", patched(striped, 120, int8(0)));
        isImpossible("in chunks", patched(striped, 120, int8(16 << 20)));
        isImpossible("copies", patched(striped, 116, int4(2)));
        isImpossible("raid6 has 3 roles", patched(striped, 112, int4(6)));
    }

    @Test
    void aReshapeIsWithinItsArray() {
        Superblock reshaped = Samples.reshaped();
        long size = reshaped.array().sizeBytes();
        byte[] good = SuperblockCodec.encode(reshaped, 0);
        isImpossible("reshape", patched(good, 40, int8(0)));
        isImpossible("reshape", patched(good, 320, int8(-1)));
        isImpossible("are reshaped", patched(good, 320, int8(-2)));
        isImpossible("are reshaped", patched(good, 320, int8(4096)));
        isImpossible("are reshaped", patched(good, 320, int8(size + 65536)));
        isImpossible("from 4 roles to 4", patched(good, 328, int4(4)));
        isImpossible("from 0 roles", patched(good, 328, int4(0)));
        isImpossible("from -1 roles", patched(good, 328, int4(-1)));
        isImpossible("before", patched(good, 328, int4(2)));
        isImpossible("from chunks of 4096", patched(good, 336, int8(4096)));
    }

    /// Parity has its new shape row by row, also behind the end of the array as it was.
    @Test
    void aReshapeOfParityIsWithinItsMembers() {
        Superblock reshaped = Samples.reshaped(6, 6, 3, 5 * 4 * 512);
        long end = reshaped.array().rowBytes() * 4;
        byte[] good = SuperblockCodec.encode(reshaped, 0);
        SuperblockCodec.encode(Samples.reshaped(6, 6, 3, end), 0);
        isImpossible("are reshaped", patched(good, 320, int8(end + 4 * 512)));
        isImpossible("are reshaped", patched(good, 320, int8(512)));
        isImpossible("from 3 roles", patched(good, 328, int4(3)));
        isImpossible("from 6 roles to 6", patched(good, 328, int4(6)));
        isImpossible("before", patched(good, 328, int4(4)));
        isImpossible("it is being reshaped from chunks", patched(good, 336, int8(4096)));
    }

    @Test
    void whatIsTooLongLosesItsEndByWholeCharacters() throws SuperblockFault {
        ArrayDescription array = mirror.array().withName("ä".repeat(15) + "abü");
        Superblock long1 =
                new Superblock(
                        array,
                        mirror.member(),
                        0,
                        mirror.areas(),
                        7,
                        mirror.epoch(),
                        mirror.history(),
                        18,
                        true,
                        1,
                        5,
                        mirror.members());
        Superblock read = SuperblockCodec.decode(SuperblockCodec.encode(long1, 1), 1);
        assertEquals("ä".repeat(15) + "ab", read.array().name());
    }

    @Test
    void whatCouldNotBeReadAgainIsNotWritten() {
        Superblock wrong = Samples.with(mirror, 7, new Epoch(0, 1));
        assertThrows(AssertionError.class, () -> SuperblockCodec.encode(wrong, 0));
    }

    @Test
    void otherBytesAreNoSuperblock() {
        assertEquals(Kind.NONE, fault(new byte[8192], 0).kind());
        assertEquals(Kind.NONE, fault(new byte[0], 0).kind());
        assertEquals(Kind.NONE, fault(Arrays.copyOf(bytes, 4096), 0).kind());
    }
}
