package org.unifiedvolume.raid.mirror;

import java.io.IOException;
import java.util.List;
import java.util.UUID;
import org.unifiedvolume.config.Units;
import org.unifiedvolume.raid.geometry.NearCopiesGeometry;
import org.unifiedvolume.raid.redundant.BehindOptions;
import org.unifiedvolume.raid.redundant.Level;
import org.unifiedvolume.raid.redundant.LevelPlan;
import org.unifiedvolume.raid.redundant.PlanChecks;
import org.unifiedvolume.raid.superblock.ArrayDescription;
import org.unifiedvolume.raid.superblock.MemberAreas;

/// RAID 1 or RAID 10 as the user described it.
///
/// @param volume its name, for messages
/// @param level 1 or 10
/// @param chunkBytes 0 for RAID 1
/// @param copies how many copies of each chunk; 0 for RAID 1, where every member has one
/// @param writeMostly the members that are read only when nothing else is left
/// @param behind the members that get changes later than these are acknowledged
/// @param names the members, in the order in which they were written
public record ReplicationPlan(
        String volume,
        int level,
        long chunkBytes,
        int copies,
        ReadPolicy policy,
        List<String> writeMostly,
        BehindOptions behind,
        List<String> names)
        implements LevelPlan {
    private static final int MIRROR = 1;

    /// A mirror, or RAID 10, every leg of which has a change before it is acknowledged.
    public ReplicationPlan(
            String volume,
            int level,
            long chunkBytes,
            int copies,
            ReadPolicy policy,
            List<String> writeMostly,
            List<String> names) {
        this(volume, level, chunkBytes, copies, policy, writeMostly, BehindOptions.NONE, names);
    }

    public ReplicationPlan {
        writeMostly = List.copyOf(writeMostly);
        names = List.copyOf(names);
    }

    @Override
    public String name() {
        return "raid" + level;
    }

    @Override
    public boolean hasJournal() {
        return false;
    }

    @Override
    public ArrayDescription describe(
            UUID uuid,
            String name,
            int members,
            long leastDataBytes,
            int blockBytes,
            long createdMicros)
            throws IOException {
        checkBehind();
        if (level == MIRROR) {
            long size = leastDataBytes - leastDataBytes % blockBytes;
            return new ArrayDescription(
                    uuid, name, level, members, 0, size, size, members, createdMicros);
        }
        PlanChecks.chunk(volume, blockBytes, chunkBytes);
        long rows = leastDataBytes / chunkBytes;
        if (rows * members < copies) {
            throw PlanChecks.lessThanAChunk(volume, leastDataBytes, chunkBytes);
        }
        NearCopiesGeometry geometry = new NearCopiesGeometry(members, copies, chunkBytes, rows);
        return new ArrayDescription(
                uuid,
                name,
                level,
                copies,
                chunkBytes,
                geometry.sizeBytes(),
                geometry.memberBytes(),
                members,
                createdMicros);
    }

    @Override
    public void check(ArrayDescription array) throws IOException {
        PlanChecks.level(volume, this, array);
        checkBehind();
        if (level != MIRROR && (array.chunkBytes() != chunkBytes || array.copies() != copies)) {
            throw new IOException(
                    "volume %s: the array was made with chunk: %s and copies: %d; write these"
                            .formatted(
                                    volume,
                                    Units.size(array.chunkBytes()).replace(" ", ""),
                                    array.copies()));
        }
        if (level != MIRROR) {
            PlanChecks.members(volume, names.size(), array);
        }
    }

    private void checkBehind() throws IOException {
        for (String name : behind.names()) {
            if (!names.isEmpty() && !names.contains(name)) {
                throw new IOException(
                        "volume %s: write-behind: %s is none of its members; write one of %s"
                                .formatted(volume, name, String.join(", ", names)));
            }
        }
    }

    @Override
    public Level make(ArrayDescription array, MemberAreas[] areas) {
        CopyPlaces places = CopyPlaces.of(array);
        return new Replication(name(), places, new ReplicationOptions(policy, writeMostly, behind));
    }
}
