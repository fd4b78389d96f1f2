package org.unifiedvolume.raid.superblock;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.unifiedvolume.raid.superblock.MemberAreas.Area;
import org.unifiedvolume.raid.superblock.SuperblockFault.Kind;

/// Superblocks as bytes (`docs/on-disk-format.md`, "Superblock").
public final class SuperblockCodec {
    static final String MAGIC = "UVOLRAID";

    private static final int VERSION = 1;
    private static final long COMPATIBLE_BITMAP = 1;
    private static final long COMPATIBLE_BAD_BLOCKS = 2;
    private static final long INCOMPATIBLE_JOURNAL = 1;
    private static final long INCOMPATIBLE_RESHAPE = 2;
    private static final long INCOMPATIBLE_INTEGRITY = 4;
    private static final long KNOWN_INCOMPATIBLE =
            INCOMPATIBLE_JOURNAL | INCOMPATIBLE_RESHAPE | INCOMPATIBLE_INTEGRITY;
    private static final int CHECKSUMS_CRC32C = 1;
    private static final int NAME_BYTES = 32;
    private static final int PLACE_BYTES = 64;
    private static final int HISTORY_OFFSET = 512;
    private static final int TABLE_OFFSET = 1024;
    private static final int ENTRY_BYTES = 112;
    private static final int CHECKSUM_OFFSET = 16;
    private static final long NO_RESHAPE = -1;

    private SuperblockCodec() {}

    /// The bytes of a superblock for one of the two slots. A name or place that is too long for its
    /// field loses its end.
    public static byte[] encode(Superblock superblock, int slot) {
        checkOwn(superblock);
        ByteBuffer out =
                ByteBuffer.allocate(Superblock.LENGTH_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        ArrayDescription array = superblock.array();
        MemberAreas areas = superblock.areas();
        out.put(MAGIC.getBytes(StandardCharsets.US_ASCII));
        out.putInt(VERSION).putInt(Superblock.LENGTH_BYTES).putInt(0).putInt(slot);
        out.putLong(
                (areas.bitmap().isPresent() ? COMPATIBLE_BITMAP : 0)
                        | (areas.badBlocks().isPresent() ? COMPATIBLE_BAD_BLOCKS : 0));
        out.putLong(0);
        out.putLong(
                (areas.journal().isPresent() ? INCOMPATIBLE_JOURNAL : 0)
                        | (array.reshape() != null ? INCOMPATIBLE_RESHAPE : 0)
                        | (areas.checksums().isPresent() ? INCOMPATIBLE_INTEGRITY : 0));
        put(out, array.uuid());
        put(out, superblock.member());
        put(out, array.name(), NAME_BYTES);
        out.putInt(array.level()).putInt(array.copies()).putLong(array.chunkBytes());
        out.putLong(array.sizeBytes()).putLong(array.rowBytes());
        put(out, areas.data());
        out.putLong(areas.memberBytes());
        out.putInt(areas.place().number()).putInt(superblock.role());
        out.putInt(array.roles()).putInt(superblock.members().size());
        out.putLong(superblock.events());
        put(out, superblock.epoch());
        out.putLong(array.createdMicros()).putLong(superblock.updatedMicros());
        out.putInt(superblock.clean() ? 1 : 0).putInt(superblock.primary());
        put(out, areas.bitmap());
        out.putLong(areas.regionBytes()).putLong(superblock.clearedEvents());
        put(out, areas.journal());
        put(out, areas.checksums());
        out.putInt(areas.checksums().isPresent() ? CHECKSUMS_CRC32C : 0);
        out.putInt(areas.unprovenAtFirst() ? 1 : 0);
        put(out, areas.badBlocks());
        put(out, array.reshape());
        out.position(HISTORY_OFFSET);
        superblock.history().stream()
                .limit(Superblock.MAX_HISTORY)
                .forEach(epoch -> put(out, epoch));
        for (int i = 0; i < superblock.members().size(); i++) {
            out.position(TABLE_OFFSET + i * ENTRY_BYTES);
            put(out, superblock.members().get(i));
        }
        out.putInt(CHECKSUM_OFFSET, checksum(out.array()));
        return out.array();
    }

    /// What could not be read again must not replace what can.
    private static void checkOwn(Superblock superblock) {
        try {
            new SuperblockChecks(superblock).check();
        } catch (SuperblockFault fault) {
            throw new AssertionError("about to write " + fault.getMessage(), fault);
        }
    }

    private static void put(ByteBuffer out, UUID uuid) {
        out.order(ByteOrder.BIG_ENDIAN);
        out.putLong(uuid.getMostSignificantBits()).putLong(uuid.getLeastSignificantBits());
        out.order(ByteOrder.LITTLE_ENDIAN);
    }

    private static void put(ByteBuffer out, Area area) {
        out.putLong(area.offset()).putLong(area.length());
    }

    private static void put(ByteBuffer out, Reshape reshape) {
        if (reshape == null) {
            out.putLong(NO_RESHAPE);
            return;
        }
        out.putLong(reshape.positionBytes()).putInt(reshape.rolesBefore()).putInt(0);
        out.putLong(reshape.chunkBefore());
    }

    private static void put(ByteBuffer out, Epoch epoch) {
        out.putLong(epoch.number()).putLong(epoch.id());
    }

    private static void put(ByteBuffer out, MemberEntry entry) {
        put(out, entry.member());
        out.putInt(entry.role()).putInt(entry.state().number());
        out.putLong(entry.sinceMillis()).putLong(entry.knownEvents());
        out.putLong(entry.filledBytes());
        put(out, entry.place(), PLACE_BYTES);
    }

    /// Puts as many whole characters as fit.
    private static void put(ByteBuffer out, String text, int length) {
        ByteBuffer field = out.slice(out.position(), length);
        StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text), field, true);
        out.position(out.position() + length);
    }

    static int checksum(byte[] superblock) {
        CRC32C crc = new CRC32C();
        crc.update(superblock, 0, CHECKSUM_OFFSET);
        crc.update(new byte[Integer.BYTES]);
        int rest = CHECKSUM_OFFSET + Integer.BYTES;
        crc.update(superblock, rest, Superblock.LENGTH_BYTES - rest);
        return (int) crc.getValue();
    }

    /// Reads the bytes of a slot.
    ///
    /// @throws SuperblockFault if they are no superblock that can be used
    public static Superblock decode(byte[] bytes, int slot) throws SuperblockFault {
        ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        if (bytes.length != Superblock.LENGTH_BYTES
                || !MAGIC.equals(new String(bytes, 0, 8, StandardCharsets.US_ASCII))) {
            throw new SuperblockFault(Kind.NONE, "no superblock");
        }
        in.position(8);
        int version = in.getInt();
        check(in.getInt() == Superblock.LENGTH_BYTES, Kind.DAMAGED, "its length is wrong");
        check(in.getInt() == checksum(bytes), Kind.DAMAGED, "its checksum is wrong");
        // After the checksum, so that a flipped bit is not taken for the mark of a later release.
        check(version != 0, Kind.IMPOSSIBLE, "its version is 0");
        if (version != VERSION) {
            throw new SuperblockFault(
                    Kind.FUTURE,
                    "a superblock of version %d; this release knows version %d; use a later one"
                            .formatted(version & 0xffffffffL, VERSION));
        }
        check(in.getInt() == slot, Kind.DAMAGED, "it was written for the other slot");
        return new Reader(in).read();
    }

    private static void check(boolean isRight, Kind kind, String problem) throws SuperblockFault {
        if (!isRight) {
            throw new SuperblockFault(kind, "a superblock, but " + problem);
        }
    }

    /// Takes the fields one after another, and checks each.
    private static final class Reader {
        private final ByteBuffer in;

        /// @param in at the features
        Reader(ByteBuffer in) {
            this.in = in;
        }

        Superblock read() throws SuperblockFault {
            long compatible = in.getLong();
            long readOnly = in.getLong();
            long incompatible = in.getLong();
            checkFeatures(readOnly, incompatible);
            UUID arrayUuid = uuid();
            UUID member = uuid();
            String name = text(NAME_BYTES);
            int level = in.getInt();
            int copies = in.getInt();
            long chunk = in.getLong();
            long size = in.getLong();
            long rows = in.getLong();
            Area data = area();
            long memberBytes = in.getLong();
            MetadataPlace place = MetadataPlace.of(in.getInt());
            int role = in.getInt();
            int roles = in.getInt();
            int entries = in.getInt();
            long events = in.getLong();
            Epoch epoch = epoch();
            long created = in.getLong();
            long updated = in.getLong();
            boolean clean = (in.getInt() & 1) != 0;
            int primary = in.getInt();
            Area bitmap = area();
            long region = in.getLong();
            long cleared = in.getLong();
            Area journal = area();
            Area checksums = area();
            int checksumKind = in.getInt();
            int checksumFlags = in.getInt();
            Area badBlocks = area();
            Reshape reshape = reshape();
            SuperblockChecks.require(place != null, "its place of metadata is unknown");
            requireFeature("a bitmap", compatible, COMPATIBLE_BITMAP, bitmap.isPresent());
            requireFeature("bad blocks", compatible, COMPATIBLE_BAD_BLOCKS, badBlocks.isPresent());
            requireFeature("a journal", incompatible, INCOMPATIBLE_JOURNAL, journal.isPresent());
            requireFeature(
                    "integrity", incompatible, INCOMPATIBLE_INTEGRITY, checksums.isPresent());
            SuperblockChecks.require(
                    checksumKind == (checksums.isPresent() ? CHECKSUMS_CRC32C : 0),
                    "its checksums are of kind %d",
                    checksumKind);
            requireFeature("a reshape", incompatible, INCOMPATIBLE_RESHAPE, reshape != null);
            ArrayDescription array =
                    new ArrayDescription(
                            arrayUuid, name, level, copies, chunk, size, rows, roles, created,
                            reshape);
            MemberAreas areas =
                    new MemberAreas(
                            memberBytes,
                            place,
                            data,
                            bitmap,
                            region,
                            journal,
                            checksums,
                            (checksumFlags & 1) != 0,
                            badBlocks);
            Superblock found =
                    new Superblock(
                            array,
                            member,
                            role,
                            areas,
                            events,
                            epoch,
                            history(),
                            updated,
                            clean,
                            primary,
                            cleared,
                            members(entries));
            new SuperblockChecks(found).check();
            return found;
        }

        private static void requireFeature(String what, long word, long bit, boolean isPresent)
                throws SuperblockFault {
            SuperblockChecks.require(
                    ((word & bit) != 0) == isPresent,
                    "whether there is %s is told in two ways",
                    what);
        }

        private static void checkFeatures(long readOnly, long incompatible) throws SuperblockFault {
            if (readOnly != 0 || (incompatible & ~KNOWN_INCOMPATIBLE) != 0) {
                throw new SuperblockFault(
                        Kind.FUTURE,
                        ("a superblock with features that this release does not know (%x, %x);"
                                        + " use a later one")
                                .formatted(readOnly, incompatible));
            }
        }

        private Reshape reshape() {
            long position = in.getLong();
            int roles = in.getInt();
            in.getInt();
            long chunk = in.getLong();
            return position == NO_RESHAPE ? null : new Reshape(position, roles, chunk);
        }

        private List<Epoch> history() {
            List<Epoch> found = new ArrayList<>();
            in.position(HISTORY_OFFSET);
            for (int i = 0; i < Superblock.MAX_HISTORY; i++) {
                Epoch epoch = epoch();
                if (epoch.number() == 0 && epoch.id() == 0) {
                    break;
                }
                found.add(epoch);
            }
            return found;
        }

        private List<MemberEntry> members(int count) throws SuperblockFault {
            SuperblockChecks.require(
                    count >= 1 && count <= Superblock.MAX_MEMBERS,
                    "its table has %d entries",
                    count);
            List<MemberEntry> found = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                in.position(TABLE_OFFSET + i * ENTRY_BYTES);
                UUID member = uuid();
                int role = in.getInt();
                MemberState state = MemberState.of(in.getInt());
                SuperblockChecks.require(state != null, "the state of entry %d is unknown", i);
                found.add(
                        new MemberEntry(
                                member,
                                role,
                                state,
                                in.getLong(),
                                in.getLong(),
                                in.getLong(),
                                text(PLACE_BYTES)));
            }
            return found;
        }

        private UUID uuid() {
            in.order(ByteOrder.BIG_ENDIAN);
            UUID uuid = new UUID(in.getLong(), in.getLong());
            in.order(ByteOrder.LITTLE_ENDIAN);
            return uuid;
        }

        private Area area() {
            return new Area(in.getLong(), in.getLong());
        }

        private Epoch epoch() {
            return new Epoch(in.getLong(), in.getLong());
        }

        private String text(int length) throws SuperblockFault {
            int end = 0;
            while (end < length && in.get(in.position() + end) != 0) {
                end++;
            }
            ByteBuffer field = in.slice(in.position(), end);
            in.position(in.position() + length);
            try {
                return StandardCharsets.UTF_8.newDecoder().decode(field).toString();
            } catch (CharacterCodingException e) {
                throw new SuperblockFault(
                        Kind.IMPOSSIBLE, "a superblock, but a name in it is not UTF-8");
            }
        }
    }
}
