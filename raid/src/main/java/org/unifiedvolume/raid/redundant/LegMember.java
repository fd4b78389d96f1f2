package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.util.UUID;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.raid.badblock.BadBlockLayer;
import org.unifiedvolume.raid.badblock.BadBlocks;
import org.unifiedvolume.raid.integrity.Doubt;
import org.unifiedvolume.raid.integrity.IntegrityLayer;
import org.unifiedvolume.raid.superblock.MemberAreas;
import org.unifiedvolume.raid.superblock.MetadataPlace;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.spi.LayoutMember;

/// The member that a leg is made of, and where its data lie.
///
/// @param opened as the layout got it; may be missing
/// @param uuid its identity, from its superblock
/// @param dataOffsetBytes where its data area begins
/// @param integrity looks after its checksums; null if it has none, or is missing
/// @param badBlocks looks after what of it is lost; null if it has no list, or is missing
/// @param list what it said of that when it was taken in; null as `badBlocks`
record LegMember(
        LayoutMember opened,
        UUID uuid,
        long dataOffsetBytes,
        IntegrityLayer integrity,
        BadBlockLayer badBlocks,
        MemberList list) {
    /// A member that is there. What is known of its checksums begins anew with it; its list of what
    /// is lost is read. Blocks.
    static LegMember of(
            LayoutMember opened, UUID uuid, MemberAreas areas, BlockingLegs blocking, Doubt doubt) {
        IntegrityLayer integrity =
                areas.checksums().isPresent()
                        ? new IntegrityLayer(
                                opened.device(),
                                blocking.io(),
                                uuid,
                                placesOf(areas, opened.device().shape().sizeBytes()),
                                doubt,
                                () -> opened.device().overdueCount() > 0,
                                IntegrityLayer.CAPACITY)
                        : null;
        LegMember member =
                new LegMember(opened, uuid, areas.data().offset(), integrity, null, null);
        if (!areas.badBlocks().isPresent()) {
            return member;
        }
        MemberAccess access = new MemberAccess(opened.device(), blocking);
        return member.with(
                MemberList.read(access, uuid, areas, roomOf(areas, access.sizeBytes())),
                areas,
                blocking);
    }

    /// The same member with a list of nothing, on the member too: all of it will be written before
    /// it counts, or has been given up. Blocks.
    LegMember withNewList(MemberAreas areas, BlockingLegs blocking) throws IOException {
        MemberAccess access = new MemberAccess(opened.device(), blocking);
        return with(
                MemberList.begin(access, uuid, areas, roomOf(areas, access.sizeBytes())),
                areas,
                blocking);
    }

    private LegMember with(MemberList newList, MemberAreas areas, BlockingLegs blocking) {
        BadBlockLayer layer =
                new BadBlockLayer(
                        integrity == null ? opened.device() : integrity,
                        blocking.io(),
                        uuid,
                        new BadBlockLayer.Places(
                                dataOffsetBytes,
                                roomOf(areas, opened.device().shape().sizeBytes()),
                                areas.badBlocks().offset()),
                        newList.found(),
                        () -> opened.device().overdueCount() > 0);
        return new LegMember(opened, uuid, dataOffsetBytes, integrity, layer, newList);
    }

    /// Why it is not known what of it is lost, so that it counts for nothing before it has been
    /// written anew; null if it is known.
    String listProblem() {
        return list == null ? null : list.problem();
    }

    /// What of it is lost.
    BadBlocks lost() {
        return badBlocks == null ? BadBlocks.NONE : badBlocks.listed();
    }

    /// All that the array could ever use of the member carries checksums.
    private static IntegrityLayer.Places placesOf(MemberAreas areas, long memberBytes) {
        return new IntegrityLayer.Places(
                areas.data().offset(),
                roomOf(areas, memberBytes),
                areas.checksums().offset(),
                !areas.unprovenAtFirst());
    }

    /// How much of a member the array could ever use for data.
    private static long roomOf(MemberAreas areas, long memberBytes) {
        MemberAreas room =
                areas.place() == MetadataPlace.START ? areas.onMember(memberBytes) : areas;
        return (room == null ? areas : room).data().length();
    }

    /// A member that is not there.
    static LegMember missing(LayoutMember missing, UUID uuid) {
        return new LegMember(missing, uuid, 0, null, null, null);
    }

    String name() {
        return opened.name();
    }

    Locality locality() {
        return opened.locality();
    }

    /// What requests go to; null if it is missing.
    BlockDevice device() {
        if (badBlocks != null) {
            return badBlocks;
        }
        return integrity == null ? opened.device() : integrity;
    }

    /// How many requests it has not answered.
    int underWayCount() {
        int ours = integrity == null ? 0 : integrity.underWayCount();
        ours += badBlocks == null ? 0 : badBlocks.underWayCount();
        return opened.isMissing() ? 0 : ours + opened.device().underWayCount();
    }

    /// How many requests it has not answered in time.
    int overdueCount() {
        return opened.isMissing() ? 0 : opened.device().overdueCount();
    }
}
