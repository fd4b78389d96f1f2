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
    private static final long KNOWN_INCOMPATIBLE = INCOMPATIBLE_JOURNAL;
    private static final int NO_ROLE = -1;
    private static final int NAME_BYTES = 32;
    private static final int PLACE_BYTES = 64;
    private static final int HISTORY_OFFSET = 512;
    private static final int TABLE_OFFSET = 1024;
    private static final int ENTRY_BYTES = 112;
    private static final int CHECKSUM_OFFSET = 16;
    private static final long NO_RESHAPE = -1;

    private SuperblockCodec() {}

    /// The bytes of a superblock for one of the two slots.
    public static byte[] encode(Superblock superblock, int slot) {
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
        out.putLong(areas.journal().isPresent() ? INCOMPATIBLE_JOURNAL : 0);
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
        out.putInt(0).putInt(0);
        put(out, areas.badBlocks());
        out.putLong(NO_RESHAPE);
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

    private static void put(ByteBuffer out, UUID uuid) {
        out.order(ByteOrder.BIG_ENDIAN);
        out.putLong(uuid.getMostSignificantBits()).putLong(uuid.getLeastSignificantBits());
        out.order(ByteOrder.LITTLE_ENDIAN);
    }

    private static void put(ByteBuffer out, Area area) {
        out.putLong(area.offset()).putLong(area.length());
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
        if (version > VERSION || version < 1) {
            throw new SuperblockFault(
                    Kind.FUTURE,
                    "a superblock of version %d; this release knows version %d; use a later one"
                            .formatted(version & 0xffffffffL, VERSION));
        }
        check(in.getInt() == Superblock.LENGTH_BYTES, Kind.DAMAGED, "its length is wrong");
        check(in.getInt() == checksum(bytes), Kind.DAMAGED, "its checksum is wrong");
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

        Reader(ByteBuffer in) {
            this.in = in;
        }

        Superblock read() throws SuperblockFault {
            in.getLong();
            checkFeatures(in.getLong(), in.getLong());
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
            in.getLong();
            Area badBlocks = area();
            require(place != null, "its place of metadata is unknown");
            require(roles >= 1 && roles <= Superblock.MAX_MEMBERS, "it has %d roles", roles);
            require(role >= NO_ROLE && role < roles, "its role is %d of %d", role, roles);
            require(primary >= 0 && primary < roles, "its primary is %d", primary);
            require(events >= 0 && cleared >= 0 && cleared <= events, "its events are wrong");
            ArrayDescription array =
                    new ArrayDescription(
                            arrayUuid, name, level, copies, chunk, size, rows, roles, created);
            checkArray(array);
            MemberAreas areas =
                    new MemberAreas(
                            memberBytes,
                            place,
                            data,
                            bitmap,
                            region,
                            journal,
                            checksums,
                            badBlocks);
            checkAreas(areas, rows);
            return new Superblock(
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
                    members(entries, roles, rows));
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

        private static void require(boolean isRight, String problem, Object... facts)
                throws SuperblockFault {
            check(isRight, Kind.IMPOSSIBLE, problem.formatted(facts));
        }

        private void checkArray(ArrayDescription array) throws SuperblockFault {
            boolean isKnown =
                    switch (array.level()) {
                        case ArrayDescription.LINEAR, 0, 1, 5, 6, 10 -> true;
                        default -> false;
                    };
            require(isKnown, "its level is %d", array.level());
            require(
                    array.copies() >= 1 && array.copies() <= array.roles(),
                    "it has %d copies",
                    array.copies());
            boolean hasChunks = array.level() != ArrayDescription.LINEAR && array.level() != 1;
            require(
                    hasChunks
                            ? array.chunkBytes() >= 4096 && Long.bitCount(array.chunkBytes()) == 1
                            : array.chunkBytes() == 0,
                    "its chunk has %d bytes",
                    array.chunkBytes());
            require(array.sizeBytes() > 0, "the array has %d bytes", array.sizeBytes());
            require(array.rowBytes() > 0, "it uses %d bytes", array.rowBytes());
        }

        private void checkAreas(MemberAreas areas, long rows) throws SuperblockFault {
            require(areas.memberBytes() > 0, "its member has %d bytes", areas.memberBytes());
            Area[] all = {
                areas.data(), areas.bitmap(), areas.journal(), areas.checksums(), areas.badBlocks()
            };
            for (int i = 0; i < all.length; i++) {
                Area area = all[i];
                require(
                        area.offset() >= 0
                                && area.length() >= 0
                                && area.offset() <= areas.memberBytes()
                                && area.length() <= areas.memberBytes() - area.offset(),
                        "area %d of %d bytes at %d is not on the member",
                        i,
                        area.length(),
                        area.offset());
                for (int j = 0; j < i; j++) {
                    require(!area.overlaps(all[j]), "areas %d and %d overlap", j, i);
                }
                for (Area slot : MemberLayout.slots(areas.memberBytes(), areas.place())) {
                    require(!area.overlaps(slot), "area %d overlaps a superblock", i);
                }
            }
            require(rows <= areas.data().length(), "it uses more than its data area");
            if (areas.bitmap().isPresent()) {
                long region = areas.regionBytes();
                require(
                        Long.bitCount(region) == 1 && region >= MemberLayout.LEAST_REGION_BYTES,
                        "a bit stands for %d bytes",
                        region);
                require(
                        areas.bitmap().length() >= MemberLayout.bitmapBytes(rows, region)
                                && areas.bitmap().length() <= MemberLayout.MAX_BITMAP_BYTES,
                        "its bitmap has %d bytes",
                        areas.bitmap().length());
            }
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

        private List<MemberEntry> members(int count, int roles, long rows) throws SuperblockFault {
            require(
                    count >= roles && count <= Superblock.MAX_MEMBERS,
                    "it knows %d members of %d roles",
                    count,
                    roles);
            List<MemberEntry> found = new ArrayList<>();
            long taken = 0;
            for (int i = 0; i < count; i++) {
                in.position(TABLE_OFFSET + i * ENTRY_BYTES);
                UUID member = uuid();
                int role = in.getInt();
                MemberState state = MemberState.of(in.getInt());
                long since = in.getLong();
                long known = in.getLong();
                long filled = in.getLong();
                require(state != null, "the state of member %d is unknown", i);
                require(
                        (state == MemberState.SPARE) == (role == NO_ROLE)
                                && role < roles
                                && role >= NO_ROLE,
                        "the role of member %d is %d",
                        i,
                        role);
                if (role >= 0) {
                    require((taken >> role & 1) == 0, "two members have role %d", role);
                    taken |= 1L << role;
                }
                require(
                        known >= 0 && filled >= 0 && filled <= rows,
                        "what it knows of member %d cannot be",
                        i);
                found.add(
                        new MemberEntry(
                                member, role, state, since, known, filled, text(PLACE_BYTES)));
            }
            require(Long.bitCount(taken) == roles, "some roles have no member");
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
