package org.unifiedvolume.raid;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.Place;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.device.DeviceStatus.State;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.spi.Kinds;
import org.unifiedvolume.spi.LayoutContext;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.spi.LayoutPlan;
import org.unifiedvolume.spi.VolumeOptions;
import org.unifiedvolume.testkit.MemoryDevice;

/// The layouts as a process finds and uses them, and what they say about what users write.
class LayoutKindsTest {
    private static final Place PLACE = new Place("uvol.yaml", 7, 5);

    @TempDir private Path folder;

    private static LayoutPlan plan(String level, int members, String... keysAndValues)
            throws ConfigFault {
        Map<String, VolumeOptions.Value> values = new TreeMap<>();
        for (int i = 0; i < keysAndValues.length; i += 2) {
            values.put(keysAndValues[i], new VolumeOptions.Value(PLACE, keysAndValues[i + 1]));
        }
        VolumeOptions options = new VolumeOptions(PLACE, "media", level, values);
        LayoutPlan plan = Kinds.find().layout(PLACE, level).plan(options, members);
        options.rejectUnknownKeys(Set.of("members"));
        return plan;
    }

    private static String refusal(String level, int members, String... keysAndValues) {
        return assertThrows(ConfigFault.class, () -> plan(level, members, keysAndValues))
                .getMessage();
    }

    private LayoutContext context(Rig rig) {
        return new LayoutContext("media", folder, rig.io);
    }

    @Test
    void allLevelsAreFound() {
        assertTrue(Kinds.find().levels().containsAll(Set.of("linear", "raid0", "raid1")));
    }

    @Test
    void allButAMirrorNeedAllTheirMembers() throws ConfigFault {
        assertEquals(3, plan("linear", 3).leastMembers());
        assertEquals(3, plan("raid0", 3).leastMembers());
        assertEquals(1, plan("raid1", 3).leastMembers());
    }

    @Test
    void whatCannotBeRightIsRefusedWithPlaceAndRemedy() {
        assertEquals(
                "uvol.yaml:7:5: chunk: 3072 bytes is not a power of two from 4KiB to 1GiB;"
                        + " write one such as 64KiB",
                refusal("raid0", 2, "chunk", "3KiB"));
        assertTrue(refusal("raid0", 2, "chunk", "2KiB").contains("power of two"));
        assertTrue(refusal("linear", 2, "chunk", "64KiB").contains("unknown key \"chunk\""));
        assertTrue(refusal("raid1", 1).contains("has 1 members; raid1 has 2 to 32"));
        assertTrue(refusal("raid1", 2, "assume-clean", "maybe").contains("write true or false"));
        assertTrue(
                refusal("raid1", 2, "assume-clean", "true", "primary", "file:/a")
                        .contains("leave out one of the two"));
        assertTrue(refusal("raid1", 2, "size", "ten").contains("is not a size"));
    }

    @Test
    void writeBehindMembersAreAskedForWithinBounds() throws ConfigFault {
        String key = "write-behind";
        plan("raid1", 2, key, "nbd://far/b");
        plan("raid1", 3, key, "m1, m2", key + "-bytes", "1MiB", key + "-seconds", "0.5");

        assertEquals(
                "uvol.yaml:7:5: write-behind: names all 2 members, and somebody must have what was"
                        + " acknowledged; leave at least one out",
                refusal("raid1", 2, key, "m0,m1"));
        assertEquals(
                "uvol.yaml:7:5: write-behind: raid10 has no write-behind members; write level:"
                        + " raid1, or write-mostly: in its place",
                refusal("raid10", 4, key, "m0"));
        assertTrue(refusal("raid5", 3, key, "m0").contains("unknown key \"write-behind\""));
        assertTrue(refusal("raid1", 2, key, "m0", "bitmap", "none").contains("needs the write-in"));
        assertTrue(
                refusal("raid1", 2, key, "m0", "integrity", "crc32c")
                        .contains("is not for arrays with checksums"));
        assertTrue(refusal("raid1", 2, key, "m0", key + "-bytes", "4KiB").contains("64KiB"));
        for (String seconds : List.of("0", "-1", "NaN", "5s", "1e9")) {
            assertTrue(
                    refusal("raid1", 2, key, "m0", key + "-seconds", seconds)
                            .contains("is not a number from 0.1 to 3600"));
        }
        assertTrue(refusal("raid1", 2, key + "-bytes", "1MiB").contains("none is written"));
    }

    @Test
    void aWriteBehindMemberIsOneOfTheMembers() {
        try (Rig rig = new Rig()) {
            List<LayoutMember> members =
                    rig.members(
                            List.of(
                                    rig.memory(1 << 20, Locality.LOCAL),
                                    rig.memory(1 << 20, Locality.LOCAL)));
            IOException e =
                    assertThrows(
                            IOException.class,
                            () ->
                                    plan("raid1", 2, "write-behind", "nbd://far/b")
                                            .assemble(members, context(rig)));
            assertTrue(
                    e.getMessage()
                            .endsWith(
                                    "write-behind: nbd://far/b is none of its members; write one of"
                                            + " m0, m1"),
                    e::getMessage);
        }
    }

    @Test
    void aMissingMemberOfAStripeIsNamedAndTheOthersAreClosed() {
        try (Rig rig = new Rig()) {
            MemoryDevice here = rig.memory(1 << 20, Locality.LOCAL);
            List<LayoutMember> members = new ArrayList<>(rig.members(List.of(here)));
            members.add(LayoutMember.missing("nbd://far/b", Locality.REMOTE, "no route"));
            IOException e =
                    assertThrows(
                            IOException.class,
                            () -> plan("raid0", 2).assemble(members, context(rig)));
            assertEquals(
                    "volume media: level raid0 needs all of its members, and nbd://far/b cannot be"
                            + " opened: no route",
                    e.getMessage());
            assertTrue(here.isClosed());
        }
    }

    @Test
    void aStripeOverUnlikeMembersSaysWhatStaysUnused() throws Exception {
        try (Rig rig = new Rig()) {
            List<LayoutMember> members =
                    rig.members(
                            List.of(
                                    rig.memory(1 << 20, Locality.LOCAL),
                                    rig.memory((1 << 20) + 100_000, Locality.REMOTE)));
            BlockDevice array = plan("raid0", 2).assemble(members, context(rig));
            assertEquals(2 << 20, array.shape().sizeBytes());
            DeviceStatus status = array.status();
            assertEquals(State.ONLINE, status.state());
            assertTrue(
                    status.reason().contains("uses 1 MiB of each member")
                            && status.reason().contains("unused: 97.7 KiB of m1"),
                    status.reason());
            assertTrue(status.remedy().contains("level: linear"), status.remedy());
            assertEquals(Locality.MIXED, status.locality());
        }
    }

    @Test
    void aMemberSmallerThanAChunkIsRefused() {
        try (Rig rig = new Rig()) {
            List<LayoutMember> members =
                    rig.members(
                            List.of(
                                    rig.memory(1 << 20, Locality.LOCAL),
                                    rig.memory(5000, Locality.LOCAL)));
            IOException e =
                    assertThrows(
                            IOException.class,
                            () -> plan("raid0", 2).assemble(members, context(rig)));
            assertTrue(e.getMessage().contains("m1 has 4.9 KiB, less than one chunk of 64 KiB"));
        }
    }

    @Test
    void aLinearVolumeOfOneMemberHandsRequestsOnAsTheyAre() throws Exception {
        try (Rig rig = new Rig()) {
            MemoryDevice only = rig.memory(1 << 20, Locality.REMOTE);
            BlockDevice array =
                    plan("linear", 1).assemble(rig.members(List.of(only)), context(rig));
            var write = rig.writeOf(array, 100, new byte[10]);
            rig.call(array, write);
            assertEquals(write, only.asked().getLast());
            assertEquals("linear", array.status().kind());
            assertEquals("m0", array.status().children().getFirst().name());
        }
    }

    @Test
    void superblocksOfAStripeAreAskedForByKeysOfTheirOwn() throws ConfigFault {
        assertEquals(1, plan("raid0", 3, "metadata", "start").leastMembers(), "it names them");
        assertTrue(refusal("raid0", 2, "size", "1MiB").contains("unknown key \"size\""));
        assertTrue(refusal("linear", 2, "metadata", "middle").contains("none, start, end"));
        assertTrue(refusal("raid0", 2, "metadata", "start", "chunk", "1GiB").contains("to 16MiB"));
        assertTrue(
                refusal("linear", 2, "metadata", "end", "assume-clean", "true")
                        .contains("unknown key"));
        Map<String, String> none = Map.of();
        assertEquals(none, Kinds.find().layout(PLACE, "raid1").createDefaults());
        for (String level : List.of("linear", "raid0")) {
            assertEquals(
                    Map.of("metadata", "start"),
                    Kinds.find().layout(PLACE, level).createDefaults());
        }
    }

    @Test
    void membersOfAnArrayAreNotTakenForBareData() throws Exception {
        for (String level : List.of("linear", "raid0")) {
            for (int count = 1; count <= 2; count++) {
                bareMembersOfAnArray(level, count);
            }
        }
    }

    private void bareMembersOfAnArray(String level, int count) throws Exception {
        try (Rig rig = new Rig()) {
            List<MemoryDevice> devices = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                devices.add(rig.memory(1 << 20, Locality.LOCAL));
            }
            BlockDevice array =
                    plan(level, count, "metadata", "start")
                            .assemble(rig.members(devices), context(rig));
            byte[] bytes = {1, 2, 3};
            rig.write(array, 70_000, bytes);
            array.close();
            List<byte[]> before = devices.stream().map(Rig::contentOf).toList();
            IOException e =
                    assertThrows(
                            IOException.class,
                            () -> plan(level, count).assemble(rig.members(devices), context(rig)));
            assertTrue(e.getMessage().contains("write metadata: start"), e.getMessage());
            BlockDevice bare =
                    plan(level, count, "metadata", "none")
                            .assemble(rig.members(devices), context(rig));
            assertEquals((long) count << 20, bare.shape().sizeBytes());
            bare.close();
            for (int i = 0; i < count; i++) {
                assertArrayEquals(before.get(i), Rig.contentOf(devices.get(i)));
            }
            BlockDevice again =
                    plan(level, count, "metadata", "start")
                            .assemble(rig.members(devices), context(rig));
            assertArrayEquals(bytes, rig.read(again, 70_000, 3));
            again.close();
        }
    }

    /// A remote leg is often a linear volume of one member, at whose start the array above has its
    /// own superblock.
    @Test
    void whatLivesWithinAVolumeOfOneMemberIsDataToIt() throws Exception {
        try (Rig rig = new Rig()) {
            List<MemoryDevice> devices =
                    List.of(
                            rig.memory(1 << 20, Locality.LOCAL),
                            rig.memory(1 << 20, Locality.LOCAL));
            for (String level : List.of("raid1", "linear")) {
                plan(level, 2, "metadata", "start", "force", "true")
                        .assemble(rig.members(devices), context(rig))
                        .close();
                BlockDevice one =
                        plan("linear", 1)
                                .assemble(rig.members(devices.subList(0, 1)), context(rig));
                assertEquals(1 << 20, one.shape().sizeBytes());
                one.close();
                for (MemoryDevice device : devices) {
                    device.content().fill((byte) 0);
                }
            }
        }
    }

    @Test
    void aMirrorKeepsItsRecordInItsFolder() throws Exception {
        try (Rig rig = new Rig()) {
            MemoryDevice one = rig.memory(1 << 20, Locality.LOCAL);
            MemoryDevice other = rig.memory(1 << 20, Locality.REMOTE);
            List<LayoutMember> first = rig.members(List.of(one, other));
            BlockDevice array =
                    plan("raid1", 2, "assume-clean", "true").assemble(first, context(rig));
            byte[] bytes = {1, 2, 3};
            rig.write(array, 5, bytes);
            array.close();
            assertTrue(one.isClosed() && other.isClosed());
            List<LayoutMember> again =
                    List.of(rig.member("m0", one, 0), rig.member("m1", other, 0));
            BlockDevice second = plan("raid1", 2).assemble(again, context(rig));
            assertArrayEquals(bytes, rig.read(second, 5, 3));
            assertEquals(State.ONLINE, second.status().state());
            second.close();
        }
    }

    /// Somebody's disk is not filled from a mirror because it was written in a missing leg's place.
    @Test
    void aDiskThatHoldsSomethingDoesNotTakeTheRoleOfAMissingLeg() throws Exception {
        try (Rig rig = new Rig()) {
            MemoryDevice one = rig.memory(1 << 20, Locality.LOCAL);
            MemoryDevice other = rig.memory(1 << 20, Locality.LOCAL);
            List<LayoutMember> both = rig.members(List.of(one, other));
            plan("raid1", 2, "assume-clean", "true").assemble(both, context(rig)).close();
            MemoryDevice somebodys = rig.memory(1 << 20, Locality.LOCAL);
            byte[] filesystem = "XFSB and what follows".getBytes(StandardCharsets.US_ASCII);
            somebodys.content().copyFrom(MemorySegment.ofArray(filesystem));
            List<LayoutMember> again =
                    List.of(rig.member("m0", one, 0), rig.member("hers", somebodys, 0));
            String refusal =
                    assertThrows(
                                    IOException.class,
                                    () -> plan("raid1", 2).assemble(again, context(rig)))
                            .getMessage();
            assertTrue(refusal.contains("hers"), refusal);
            assertTrue(refusal.contains("an XFS filesystem"), refusal);
            assertTrue(refusal.contains("force: true"), refusal);
            assertArrayEquals(
                    filesystem,
                    somebodys
                            .content()
                            .asSlice(0, filesystem.length)
                            .toArray(ValueLayout.JAVA_BYTE));
        }
    }
}
