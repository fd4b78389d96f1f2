package org.unifiedvolume.fuse;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.unifiedvolume.transport.ProtocolFault;

/// Whether the decoder believes only what fits.
class FuseRequestTest {
    /// As long as the place where headers land.
    private static final int ROOM_BYTES = 80 + 256;

    private static final int RANDOM_REQUESTS = 200_000;

    private final MemorySegment bytes = Arena.ofAuto().allocate(ROOM_BYTES, 8);
    private final FuseRequest request = new FuseRequest(bytes);

    private void header(int length, int opcode) {
        bytes.fill((byte) 0);
        bytes.set(JAVA_INT_UNALIGNED, 0, length);
        bytes.set(JAVA_INT_UNALIGNED, 4, opcode);
        bytes.set(JAVA_LONG_UNALIGNED, 8, 0x1234567890L);
        bytes.set(JAVA_LONG_UNALIGNED, 16, Fuse.ROOT_ID);
    }

    private String fault(long received) {
        return assertThrows(ProtocolFault.class, () -> request.decode(received)).getMessage();
    }

    @Test
    void aReadIsTakenApart() throws ProtocolFault {
        header(80, Fuse.READ);
        bytes.set(JAVA_LONG_UNALIGNED, 48, 1L << 40);
        bytes.set(JAVA_INT_UNALIGNED, 56, 4096);
        request.decode(80);
        assertEquals(Fuse.READ, request.opcode());
        assertEquals(0x1234567890L, request.unique());
        assertEquals(Fuse.ROOT_ID, request.nodeId());
        assertEquals(1L << 40, request.argumentLong(8));
        assertEquals(4096, request.argumentInt(16));
    }

    @Test
    void lengthsThatContradictEachOtherAreRefused() {
        header(80, Fuse.READ);
        assertEquals("FUSE, fuse_in_header: a request of 39 bytes", fault(39));
        assertEquals("FUSE, fuse_in_header: 80 bytes are announced and 79 came", fault(79));
        header(-1, Fuse.READ);
        assertEquals("FUSE, fuse_in_header: -1 bytes are announced and 80 came", fault(80));
    }

    @ParameterizedTest
    @CsvSource({
        "READ, 15, 40",
        "WRITE, 16, 40",
        "SETATTR, 4, 88",
        "FALLOCATE, 43, 32",
        "LSEEK, 46, 24",
        "OPEN, 14, 8",
        "FSYNC, 20, 16",
        "GETATTR, 3, 16",
        "INIT, 26, 16"
    })
    void argumentsThatEndTooEarlyAreRefused(String name, int opcode, int needed) {
        header(40 + needed - 1, opcode);
        assertEquals(
                "FUSE, %s: %d bytes; at least %d are needed"
                        .formatted(name, 40 + needed - 1, 40 + needed),
                fault(40 + needed - 1));
    }

    @ParameterizedTest
    @CsvSource({"4096, 4095", "4096, 4097", "0, -1", "100, 2147483647"})
    void aWritesSizeMustBeThatOfItsPayload(int payload, int size) {
        header(80 + payload, Fuse.WRITE);
        bytes.set(JAVA_INT_UNALIGNED, 56, size);
        assertTrue(fault(80 + payload).startsWith("FUSE, WRITE: a size of "));
    }

    @Test
    void laterArgumentsOfAnOldKernelAreNotAskedFor() throws ProtocolFault {
        header(40 + 16, Fuse.INIT);
        request.decode(40 + 16);
        assertFalse(request.hasArguments(20));
        header(40 + 64, Fuse.INIT);
        request.decode(40 + 64);
        assertTrue(request.hasArguments(20));
    }

    @Test
    void rubbishIsDecodedOrRefusedButNeverReadsBeyondItsPlace() {
        long seed = Long.getLong("fuse.seed", System.nanoTime());
        Random random = new Random(seed);
        byte[] rubbish = new byte[ROOM_BYTES];
        int understood = 0;
        for (int i = 0; i < RANDOM_REQUESTS; i++) {
            random.nextBytes(rubbish);
            MemorySegment.copy(rubbish, 0, bytes, JAVA_BYTE, 0, ROOM_BYTES);
            int received = random.nextInt((1 << 20) + 100);
            if (random.nextBoolean()) {
                received = random.nextInt(ROOM_BYTES);
            }
            if (random.nextInt(4) != 0) {
                bytes.set(JAVA_INT_UNALIGNED, 0, received);
                bytes.set(JAVA_INT_UNALIGNED, 4, random.nextInt(60));
            }
            try {
                request.decode(received);
                FuseSession.agree(request, 1 << 20);
                understood++;
            } catch (ProtocolFault e) {
                assertFalse(e.getMessage().isEmpty());
            } catch (RuntimeException | Error e) {
                throw new AssertionError(
                        "request %d of seed %d; again: -Dtest=FuseRequestTest -Dfuse.seed=%d"
                                .formatted(i, seed, seed),
                        e);
            }
        }
        assertEquals(0, understood, "no rubbish agrees on version 7");
    }

    @Test
    void theSessionKeepsToWhatBothSidesKnow() throws ProtocolFault {
        header(40 + 64, Fuse.INIT);
        bytes.set(JAVA_INT_UNALIGNED, 40, 7);
        bytes.set(JAVA_INT_UNALIGNED, 44, 60);
        bytes.set(JAVA_INT_UNALIGNED, 52, -1);
        bytes.set(JAVA_INT_UNALIGNED, 56, -1);
        request.decode(40 + 64);
        FuseSession all = FuseSession.agree(request, 32 << 20);
        assertEquals(45, all.minorVersion());
        assertEquals(1 << 20, all.maxTransferBytes());
        assertEquals(256, all.maxPages());
        assertEquals(Fuse.INIT2_DIRECT_IO_ALLOW_MMAP, all.flags2());
        assertEquals(
                0,
                all.flags() & 1 << 16,
                "FUSE_WRITEBACK_CACHE would keep writes from the other exports");
        assertEquals(16384, FuseSession.agree(request, 20_000).maxTransferBytes());
        bytes.set(JAVA_INT_UNALIGNED, 44, 27);
        assertEquals(
                "FUSE, INIT: the kernel speaks version 7.27; 7.28 or later is needed (Linux 4.20)",
                assertThrows(ProtocolFault.class, () -> FuseSession.agree(request, 1 << 20))
                        .getMessage());
    }
}
