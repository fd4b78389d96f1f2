package org.unifiedvolume.raid.redundant;

import java.util.UUID;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.IoContext;
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
record LegMember(LayoutMember opened, UUID uuid, long dataOffsetBytes, IntegrityLayer integrity) {
    /// A member that is there. What is known of its checksums begins anew with it.
    static LegMember of(
            LayoutMember opened, UUID uuid, MemberAreas areas, IoContext io, Doubt doubt) {
        IntegrityLayer integrity =
                areas.checksums().isPresent()
                        ? new IntegrityLayer(
                                opened.device(),
                                io,
                                uuid,
                                placesOf(areas, opened.device().shape().sizeBytes()),
                                doubt,
                                () -> opened.device().overdueCount() > 0,
                                IntegrityLayer.CAPACITY)
                        : null;
        return new LegMember(opened, uuid, areas.data().offset(), integrity);
    }

    /// All that the array could ever use of the member carries checksums.
    private static IntegrityLayer.Places placesOf(MemberAreas areas, long memberBytes) {
        MemberAreas room =
                areas.place() == MetadataPlace.START ? areas.onMember(memberBytes) : areas;
        return new IntegrityLayer.Places(
                areas.data().offset(),
                (room == null ? areas : room).data().length(),
                areas.checksums().offset(),
                !areas.unprovenAtFirst());
    }

    /// A member that is not there.
    static LegMember missing(LayoutMember missing, UUID uuid) {
        return new LegMember(missing, uuid, 0, null);
    }

    String name() {
        return opened.name();
    }

    Locality locality() {
        return opened.locality();
    }

    /// What requests go to; null if it is missing.
    BlockDevice device() {
        return integrity == null ? opened.device() : integrity;
    }

    /// How many requests it has not answered.
    int underWayCount() {
        int ours = integrity == null ? 0 : integrity.underWayCount();
        return opened.isMissing() ? 0 : ours + opened.device().underWayCount();
    }

    /// How many requests it has not answered in time.
    int overdueCount() {
        return opened.isMissing() ? 0 : opened.device().overdueCount();
    }
}
