package org.unifiedvolume.raid.superblock;

import java.math.BigInteger;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.unifiedvolume.raid.geometry.ParityGeometry;
import org.unifiedvolume.raid.integrity.ChecksumSectors;
import org.unifiedvolume.raid.superblock.MemberAreas.Area;
import org.unifiedvolume.raid.superblock.SuperblockFault.Kind;

/// What must hold within a superblock, so that whoever uses one need not ask again.
final class SuperblockChecks {
    private static final long GRID_BYTES = 4096;
    private static final long LEAST_BLOCK_BYTES = 512;
    private static final long BAD_BLOCKS_BYTES = 4096;
    private static final long LEAST_JOURNAL_BYTES = 2 * GRID_BYTES;

    private final Superblock superblock;
    private final ArrayDescription array;
    private final MemberAreas areas;

    SuperblockChecks(Superblock superblock) {
        this.superblock = superblock;
        this.array = superblock.array();
        this.areas = superblock.areas();
    }

    /// @throws SuperblockFault of the kind IMPOSSIBLE, saying what cannot be
    void check() throws SuperblockFault {
        checkState();
        checkShape();
        checkSize();
        checkReshape();
        checkAreas();
        checkBitmap();
        checkHistory();
        checkMembers();
    }

    /// @param problem as in [String#format], filled with `facts`
    /// @throws SuperblockFault of the kind IMPOSSIBLE unless `isRight`
    static void require(boolean isRight, String problem, Object... facts) throws SuperblockFault {
        if (!isRight) {
            Object[] shown = facts.clone();
            throw new SuperblockFault(
                    Kind.IMPOSSIBLE, "a superblock, but " + problem.formatted(shown));
        }
    }

    private void checkState() throws SuperblockFault {
        int roles = array.roles();
        require(roles >= 1 && roles <= Superblock.MAX_MEMBERS, "it has %d roles", roles);
        require(
                superblock.role() >= -1 && superblock.role() < roles,
                "its role is %d of %d",
                superblock.role(),
                roles);
        require(
                superblock.primary() >= 0 && superblock.primary() < roles,
                "its primary is %d of %d",
                superblock.primary(),
                roles);
        require(superblock.events() >= 0, "it has %d events", superblock.events());
        require(
                superblock.clearedEvents() >= 0
                        && superblock.clearedEvents() <= superblock.events(),
                "bits were cleared at event %d of %d",
                superblock.clearedEvents(),
                superblock.events());
        require(superblock.epoch().number() > 0, "its epoch is %s", superblock.epoch());
    }

    private void checkShape() throws SuperblockFault {
        int roles = array.roles();
        int leastRoles =
                switch (array.level()) {
                    case ArrayDescription.LINEAR, 0, 1 -> 1;
                    case 10 -> 2;
                    case 5 -> 3;
                    case 6 -> 4;
                    default -> Integer.MAX_VALUE;
                };
        require(leastRoles < Integer.MAX_VALUE, "its level is %d", array.level());
        require(roles >= leastRoles, "%s has %d roles", array.levelName(), roles);
        boolean areCopiesRight =
                switch (array.level()) {
                    case 1 -> array.copies() == roles;
                    case 10 -> array.copies() >= 2 && array.copies() <= roles;
                    default -> array.copies() == 1;
                };
        require(
                areCopiesRight,
                "%s over %d has %d copies",
                array.levelName(),
                roles,
                array.copies());
        if (!hasChunks()) {
            require(array.chunkBytes() == 0, "its chunk has %d bytes", array.chunkBytes());
            return;
        }
        require(
                Long.bitCount(array.chunkBytes()) == 1
                        && array.chunkBytes() >= ParityGeometry.MIN_CHUNK_BYTES
                        && array.chunkBytes() <= ParityGeometry.MAX_CHUNK_BYTES,
                "its chunk has %d bytes",
                array.chunkBytes());
        require(
                array.rowBytes() % array.chunkBytes() == 0,
                "it uses %d bytes in chunks of %d",
                array.rowBytes(),
                array.chunkBytes());
    }

    private boolean hasChunks() {
        return array.level() != ArrayDescription.LINEAR && array.level() != 1;
    }

    /// Whether the members have room for what the array claims to hold.
    private void checkSize() throws SuperblockFault {
        require(array.sizeBytes() > 0, "the array has %d bytes", array.sizeBytes());
        require(array.rowBytes() > 0, "it uses %d bytes", array.rowBytes());
        if (array.level() == ArrayDescription.LINEAR) {
            require(
                    array.sizeBytes() >= array.rowBytes(),
                    "the array has %d bytes, this member alone %d",
                    array.sizeBytes(),
                    array.rowBytes());
            return;
        }
        int dataRoles =
                switch (array.level()) {
                    case 1 -> 1;
                    case 5 -> array.roles() - 1;
                    case 6 -> array.roles() - 2;
                    default -> array.roles();
                };
        int copies = array.level() == 10 ? array.copies() : 1;
        BigInteger room =
                BigInteger.valueOf(array.rowBytes()).multiply(BigInteger.valueOf(array.roles()));
        require(room.bitLength() < Long.SIZE, "its members have %s bytes", room);
        require(
                Math.multiplyHigh(array.sizeBytes(), copies) == 0
                        && array.sizeBytes() * copies > 0
                        && array.sizeBytes() * copies <= array.rowBytes() * dataRoles,
                "the array has %d bytes, its %d members %d each",
                array.sizeBytes(),
                array.roles(),
                array.rowBytes());
    }

    private void checkReshape() throws SuperblockFault {
        Reshape reshape = array.reshape();
        if (reshape == null) {
            return;
        }
        int parities = array.level() == 0 ? 0 : array.level() - 4;
        require(
                parities == 0 || parities == 1 || parities == 2,
                "a %s is being reshaped",
                array.levelName());
        int leastRoles = parities == 0 ? 1 : parities + 2;
        require(
                reshape.rolesBefore() >= leastRoles && reshape.rolesBefore() < array.roles(),
                "it is being reshaped from %d roles to %d",
                reshape.rolesBefore(),
                array.roles());
        require(
                reshape.chunkBefore() == array.chunkBytes(),
                "it is being reshaped from chunks of %d bytes to %d",
                reshape.chunkBefore(),
                array.chunkBytes());
        require(
                array.sizeBytes() <= array.rowBytes() * (reshape.rolesBefore() - parities),
                "while it is being reshaped it has %d bytes, and its %d members before %d each",
                array.sizeBytes(),
                reshape.rolesBefore(),
                array.rowBytes());
        // Parity has to fit behind the last byte, too, and moves row by row.
        long end =
                parities == 0 ? array.sizeBytes() : array.rowBytes() * (array.roles() - parities);
        long grid =
                parities == 0 ? array.chunkBytes() : (array.roles() - parities) * LEAST_BLOCK_BYTES;
        require(
                reshape.positionBytes() >= 0
                        && reshape.positionBytes() <= end
                        && reshape.positionBytes() % grid == 0,
                "%d of its %d bytes are reshaped",
                reshape.positionBytes(),
                end);
    }

    private void checkAreas() throws SuperblockFault {
        require(areas.memberBytes() > 0, "its member has %d bytes", areas.memberBytes());
        List<Area> slots = MemberLayout.slots(areas.memberBytes(), areas.place());
        for (Area slot : slots) {
            require(
                    slot.offset() >= 0 && isOnMember(slot),
                    "a member of %d bytes has no room for it",
                    areas.memberBytes());
        }
        Area[] all = {
            areas.data(), areas.bitmap(), areas.journal(), areas.checksums(), areas.badBlocks()
        };
        String[] names = {"data", "bitmap", "journal", "checksums", "bad blocks"};
        for (int i = 0; i < all.length; i++) {
            Area area = all[i];
            require(
                    isOnMember(area) && area.offset() % GRID_BYTES == 0,
                    "the area for %s of %d bytes at %d is not on the member",
                    names[i],
                    area.length(),
                    area.offset());
            require(
                    i == 0
                            || (area.length() % GRID_BYTES == 0
                                    && (area.offset() == 0) == (area.length() == 0)),
                    "the area for %s at %d has %d bytes",
                    names[i],
                    area.offset(),
                    area.length());
            for (int j = 0; j < i; j++) {
                require(!area.overlaps(all[j]), "%s and %s overlap", names[j], names[i]);
            }
            for (Area slot : slots) {
                require(!area.overlaps(slot), "%s and a superblock overlap", names[i]);
            }
        }
        require(
                array.rowBytes() <= areas.data().length(),
                "it uses %d bytes of %d",
                array.rowBytes(),
                areas.data().length());
        require(
                !areas.badBlocks().isPresent() || areas.badBlocks().length() == BAD_BLOCKS_BYTES,
                "its list of bad blocks has %d bytes",
                areas.badBlocks().length());
        checkChecksums();
        require(
                !areas.journal().isPresent() || areas.journal().length() >= LEAST_JOURNAL_BYTES,
                "its journal has %d bytes",
                areas.journal().length());
    }

    private void checkChecksums() throws SuperblockFault {
        if (!areas.checksums().isPresent()) {
            require(!areas.unprovenAtFirst(), "it tells of checksums that are not there");
            return;
        }
        require(
                (array.sizeBytes() | array.rowBytes() | areas.data().length()) % GRID_BYTES == 0,
                "its checksums are not of whole blocks");
        require(
                areas.checksums().length() >= ChecksumSectors.areaBytes(array.rowBytes()),
                "its checksums have %d bytes for %d of data",
                areas.checksums().length(),
                array.rowBytes());
    }

    private boolean isOnMember(Area area) {
        return area.offset() >= 0
                && area.length() >= 0
                && area.offset() <= areas.memberBytes()
                && area.length() <= areas.memberBytes() - area.offset();
    }

    private void checkBitmap() throws SuperblockFault {
        long region = areas.regionBytes();
        if (!areas.bitmap().isPresent()) {
            require(region == 0, "without a bitmap, a bit stands for %d bytes", region);
            return;
        }
        require(
                Long.bitCount(region) == 1 && region >= MemberLayout.LEAST_REGION_BYTES,
                "a bit stands for %d bytes",
                region);
        long regions = (array.rowBytes() - 1) / region + 1;
        require(
                regions <= MemberLayout.MAX_REGIONS
                        && areas.bitmap().length() >= MemberLayout.bitmapBytes(regions)
                        && areas.bitmap().length() <= MemberLayout.MAX_BITMAP_BYTES,
                "its bitmap has %d bytes for %d regions",
                areas.bitmap().length(),
                regions);
    }

    private void checkHistory() throws SuperblockFault {
        long later = superblock.epoch().number();
        for (Epoch epoch : superblock.history()) {
            require(
                    epoch.number() > 0 && epoch.number() < later,
                    "epoch %s stands before epoch %d",
                    epoch,
                    later);
            later = epoch.number();
        }
    }

    private void checkMembers() throws SuperblockFault {
        Set<UUID> known = new HashSet<>();
        long taken = 0;
        long replaced = 0;
        for (MemberEntry entry : superblock.members()) {
            int role = entry.role();
            boolean isSpare = entry.state() == MemberState.SPARE;
            require(
                    role < array.roles() && (isSpare ? role == -1 : role >= 0),
                    "a member that is %s has role %d",
                    entry.state(),
                    role);
            require(known.add(entry.member()), "two members are %s", entry.member());
            if (entry.state() == MemberState.REPLACING) {
                require(
                        (replaced >> role & 1) == 0,
                        "two members are to take the place of that in role %d",
                        role);
                replaced |= 1L << role;
            } else if (!isSpare) {
                require((taken >> role & 1) == 0, "two members have role %d", role);
                taken |= 1L << role;
            }
            require(
                    entry.knownEvents() >= 0 && entry.knownEvents() <= superblock.events(),
                    "a member of role %d is known at event %d of %d",
                    role,
                    entry.knownEvents(),
                    superblock.events());
            boolean isFilledRight =
                    array.level() == ArrayDescription.LINEAR
                            || entry.filledBytes() <= array.rowBytes();
            require(
                    entry.filledBytes() >= 0 && isFilledRight,
                    "a member of role %d is filled up to %d",
                    role,
                    entry.filledBytes());
        }
        require(Long.bitCount(taken) == array.roles(), "some roles have no member");
        MemberEntry own = superblock.entryOf(superblock.member());
        require(
                own != null && own.role() == superblock.role(),
                "it is not in its own table with role %d",
                superblock.role());
    }
}
