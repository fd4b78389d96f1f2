package org.unifiedvolume.raid.superblock;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.unifiedvolume.raid.superblock.MemberLayout.Wishes;

/// Superblocks for tests.
final class Samples {
    static final UUID ARRAY = UUID.fromString("00112233-4455-6677-8899-aabbccddeeff");
    static final long MEMBER_BYTES = 100L << 20;

    private Samples() {}

    static UUID member(int role) {
        return new UUID(0x1111111111111111L, role + 1);
    }

    static Superblock mirror() {
        return array(1, 2, 0, MetadataPlace.START);
    }

    static Superblock mirrorAtEnd() {
        return array(1, 2, 0, MetadataPlace.END);
    }

    /// A mirror whose data carry checksums, and held something when they were made.
    static Superblock mirrorWithChecksums(MetadataPlace place) {
        return array(1, 2, 0, place, true);
    }

    static Superblock array(int level, int roles, long chunkBytes, MetadataPlace place) {
        return array(level, roles, chunkBytes, place, false);
    }

    /// The superblock of role 0 of an array whose members are all in sync.
    private static Superblock array(
            int level, int roles, long chunkBytes, MetadataPlace place, boolean hasChecksums) {
        boolean hasJournal = level == 5 || level == 6;
        MemberAreas areas =
                MemberLayout.plan(
                                MEMBER_BYTES,
                                place,
                                new Wishes(true, hasJournal ? -1 : 0, hasChecksums))
                        .withUnprovenData(true);
        long rows = areas.data().length();
        rows -= chunkBytes == 0 ? 0 : rows % chunkBytes;
        int copies = level == 1 ? roles : level == 10 ? 2 : 1;
        long size =
                switch (level) {
                    case 1 -> rows;
                    case 5 -> rows * (roles - 1);
                    case 6 -> rows * (roles - 2);
                    case 10 -> rows / chunkBytes * roles / copies * chunkBytes;
                    default -> rows * roles;
                };
        List<MemberEntry> members = new ArrayList<>();
        for (int role = 0; role < roles; role++) {
            members.add(
                    new MemberEntry(
                            member(role),
                            role,
                            MemberState.IN_SYNC,
                            1_795_000_000_000L + role,
                            6,
                            rows,
                            "nbd://host" + role + "/disk"));
        }
        return new Superblock(
                new ArrayDescription(
                        ARRAY, "media", level, copies, chunkBytes, size, rows, roles, 17),
                member(0),
                0,
                areas.forRows(rows),
                7,
                new Epoch(3, 0x3333),
                List.of(new Epoch(2, 0x2222), new Epoch(1, 0x1111)),
                18,
                false,
                0,
                5,
                members);
    }

    /// A stripe on its way from 3 members to 4.
    static Superblock reshaped() {
        return reshaped(0, 4, 3, 7 * 65536);
    }

    /// An array on its way to so many members, one more than before.
    ///
    /// @param dataBefore how many members held data before
    static Superblock reshaped(int level, int roles, int dataBefore, long position) {
        Superblock wide = array(level, roles, 65536, MetadataPlace.START);
        ArrayDescription array = wide.array();
        ArrayDescription half =
                new ArrayDescription(
                        array.uuid(),
                        array.name(),
                        level,
                        1,
                        array.chunkBytes(),
                        array.rowBytes() * dataBefore,
                        array.rowBytes(),
                        roles,
                        array.createdMicros(),
                        new Reshape(position, roles - 1, array.chunkBytes()));
        return new Superblock(
                half,
                wide.member(),
                wide.role(),
                wide.areas(),
                wide.events(),
                wide.epoch(),
                wide.history(),
                wide.updatedMicros(),
                wide.clean(),
                wide.primary(),
                wide.clearedEvents(),
                wide.members());
    }

    static Superblock with(Superblock one, long events, Epoch epoch) {
        return new Superblock(
                one.array(),
                one.member(),
                one.role(),
                one.areas(),
                events,
                epoch,
                epoch.equals(one.epoch()) ? one.history() : past(one),
                one.updatedMicros(),
                one.clean(),
                one.primary(),
                Math.min(events, one.clearedEvents()),
                one.members().stream().map(entry -> known(entry, events)).toList());
    }

    private static MemberEntry known(MemberEntry entry, long events) {
        return new MemberEntry(
                entry.member(),
                entry.role(),
                entry.state(),
                entry.sinceMillis(),
                Math.max(0, events - 1),
                entry.filledBytes(),
                entry.place());
    }

    private static List<Epoch> past(Superblock one) {
        List<Epoch> past = new ArrayList<>(one.history());
        past.addFirst(one.epoch());
        return past;
    }

    /// Changes bytes and makes the checksum right again.
    static byte[] patched(byte[] superblock, int offset, byte... bytes) {
        byte[] changed = superblock.clone();
        System.arraycopy(bytes, 0, changed, offset, bytes.length);
        ByteBuffer.wrap(changed)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(16, SuperblockCodec.checksum(changed));
        return changed;
    }

    static byte[] int4(long value) {
        return ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt((int) value).array();
    }

    static byte[] int8(long value) {
        return ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array();
    }
}
