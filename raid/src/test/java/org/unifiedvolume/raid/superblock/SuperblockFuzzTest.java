package org.unifiedvolume.raid.superblock;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.provider.MethodSource;
import org.unifiedvolume.control.Json;
import org.unifiedvolume.testkit.Seeds;

/// Whatever lies where superblocks lie, it is a superblock that can be used and shown, or it is
/// refused with a reason; and whatever members carry, a start decides or refuses.
///
/// An input is up to four superblocks, whose checksums are made right so that what lies behind
/// them is reached. In a normal build the stored inputs are replayed, and changed at random; `mvn
/// -Pfuzz test -pl raid -am` looks for new ones.
class SuperblockFuzzTest {
    private static final int LENGTH = Superblock.LENGTH_BYTES;
    private static final int MAX_MEMBERS = 4;

    /// Where fields are whose values lead somewhere.
    private static final int FIELDS_BYTES = 1024 + 4 * 112;

    @MethodSource("seeds")
    @FuzzTest(maxDuration = "2m")
    void anyBytesOnMembers(byte[] input) {
        assemble(input);
    }

    @Test
    void changedSuperblocks() {
        int[] started = new int[2];
        Seeds.each(
                3_000,
                "SuperblockFuzzTest#changedSuperblocks",
                seed -> started[assemble(changed(seed))]++);
        assertTrue(
                (started[0] > 0 && started[1] > 0) || System.getProperty("seed") != null,
                Arrays.toString(started));
    }

    @Test
    void whatIsUnchangedStarts() {
        for (byte[] seed : seeds()) {
            assertEquals(1, assemble(seed));
        }
    }

    private static byte[] changed(long seed) {
        RandomGenerator random = Seeds.random(seed);
        List<byte[]> seeds = seeds();
        byte[] bytes = seeds.get(random.nextInt(seeds.size())).clone();
        for (int changes = random.nextInt(4); changes >= 0; changes--) {
            int at = random.nextInt(bytes.length / LENGTH) * LENGTH + random.nextInt(FIELDS_BYTES);
            switch (random.nextInt(4)) {
                case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> bytes[at] = (byte) random.nextInt();
                case 2 -> bytes[at & -8] += (byte) (random.nextInt(5) - 2);
                default -> Arrays.fill(bytes, at & -8, (at & -8) + 8, (byte) -random.nextInt(2));
            }
        }
        return bytes;
    }

    /// @return 1 if an array started, 0 if it was refused
    private static int assemble(byte[] input) {
        List<Candidate> candidates = new ArrayList<>();
        for (int i = 0; i < MAX_MEMBERS && i * LENGTH < input.length; i++) {
            byte[] bytes = Arrays.copyOfRange(input, i * LENGTH, (i + 1) * LENGTH);
            bytes = Samples.patched(bytes, 20, Samples.int4(0));
            candidates.add(candidate("m" + i, bytes));
        }
        Superblock any =
                candidates.stream()
                        .map(Candidate::superblock)
                        .filter(one -> one != null)
                        .findFirst()
                        .orElse(null);
        Witness witness =
                any == null ? null : new Witness(any.array().uuid(), any.epoch(), any.events());
        try {
            Assembly assembly = new Assembly("media", candidates, witness, "", "m1");
            if (assembly.identify() == null) {
                return 0;
            }
            Verdict verdict = assembly.decide(complete -> complete != 0);
            assertEquals(verdict.freshest().array().roles(), verdict.seats().size());
            verdict.seats().forEach(seat -> assertTrue(seat.candidate() < candidates.size()));
            return 1;
        } catch (AssemblyFault refusal) {
            assertTrue(refusal.getMessage().startsWith("volume media: "), refusal.getMessage());
            return 0;
        }
    }

    private static Candidate candidate(String name, byte[] bytes) {
        try {
            Superblock superblock = SuperblockCodec.decode(bytes, 0);
            byte[] again = SuperblockCodec.encode(superblock, 0);
            assertEquals(superblock, SuperblockCodec.decode(again, 0));
            assertArrayEquals(again, SuperblockCodec.encode(superblock, 0));
            Json.write(Examine.view(superblock));
            assertTrue(Examine.text(superblock).endsWith("\n"));
            look(superblock, bytes);
            return new Candidate(name, superblock, "");
        } catch (SuperblockFault fault) {
            assertTrue(!fault.getMessage().isEmpty());
            return new Candidate(
                    name,
                    null,
                    fault.kind() == SuperblockFault.Kind.NONE ? "" : fault.getMessage());
        }
    }

    /// A small member that carries it is read without an error, too.
    private static void look(Superblock superblock, byte[] bytes) {
        MemoryMember member = new MemoryMember(1 << 20, 512);
        System.arraycopy(bytes, 0, member.bytes(), 0, bytes.length);
        try {
            SuperblockSlots slots = SuperblockSlots.read(member);
            boolean isCut = superblock.areas().memberBytes() > member.sizeBytes();
            assertTrue(slots.current() == null || !isCut);
            KnownContent.describe(member);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static List<byte[]> seeds() {
        List<byte[]> seeds = new ArrayList<>();
        for (Superblock sample :
                List.of(
                        Samples.mirror(),
                        Samples.mirrorAtEnd(),
                        Samples.mirrorWithChecksums(MetadataPlace.START),
                        Samples.array(10, 3, 65536, MetadataPlace.START),
                        Samples.reshaped(),
                        Samples.array(5, 3, 65536, MetadataPlace.START))) {
            byte[] all = new byte[2 * LENGTH];
            for (int role = 0; role < 2; role++) {
                byte[] one = SuperblockCodec.encode(sample, 0);
                one = Samples.patched(one, 64 + 15, (byte) (role + 1));
                one = Samples.patched(one, 172, Samples.int4(role));
                System.arraycopy(one, 0, all, role * LENGTH, LENGTH);
            }
            seeds.add(all);
        }
        return seeds;
    }
}
