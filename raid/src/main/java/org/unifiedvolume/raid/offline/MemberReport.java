package org.unifiedvolume.raid.offline;

import java.io.IOException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.unifiedvolume.config.Units;
import org.unifiedvolume.raid.badblock.BadBlockSlots;
import org.unifiedvolume.raid.badblock.BadBlocks;
import org.unifiedvolume.raid.bitmap.BitmapBlocks;
import org.unifiedvolume.raid.redundant.BlockingLegs;
import org.unifiedvolume.raid.redundant.MemberAccess;
import org.unifiedvolume.raid.redundant.MemberContent;
import org.unifiedvolume.raid.superblock.Examine;
import org.unifiedvolume.raid.superblock.MemberAreas;
import org.unifiedvolume.raid.superblock.MemberAreas.Area;
import org.unifiedvolume.raid.superblock.MemberLayout;
import org.unifiedvolume.raid.superblock.MetadataPlace;
import org.unifiedvolume.raid.superblock.Superblock;
import org.unifiedvolume.raid.superblock.SuperblockCodec;
import org.unifiedvolume.raid.superblock.SuperblockFault;
import org.unifiedvolume.raid.superblock.SuperblockSlots;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.spi.ArrayTools.Carried;
import org.unifiedvolume.spi.LayoutMember;

/// All that one member says of itself: its superblock, both slots, its bitmap, what of it is lost.
/// Of another device what it holds.
final class MemberReport {
    private final LayoutMember member;
    private final BlockingLegs blocking;
    private final MemberAccess access;
    private final Map<String, Object> view = new LinkedHashMap<>();
    private final StringBuilder text = new StringBuilder();

    MemberReport(LayoutMember member, BlockingLegs blocking) {
        this.member = member;
        this.blocking = blocking;
        this.access = new MemberAccess(member.device(), blocking);
    }

    Carried look() throws IOException {
        view.put("name", member.name());
        view.put("size", access.sizeBytes());
        SuperblockSlots slots = SuperblockSlots.read(access);
        Superblock superblock = slots.current();
        String words = words(slots);
        view.put("carries", words);
        view.put("problem", superblock == null ? slots.damage() : "");
        addSlots();
        if (superblock != null) {
            view.put("superblock", Examine.view(superblock));
            text.append(Examine.text(superblock));
            addBitmap(superblock);
            addBadBlocks(superblock);
        }
        boolean isMember = superblock != null || !slots.damage().isEmpty();
        return new Carried(words, isMember, text.toString(), view);
    }

    private String words(SuperblockSlots slots) throws IOException {
        Superblock superblock = slots.current();
        if (superblock != null) {
            String part = superblock.role() < 0 ? "a spare" : "member " + superblock.role();
            return "%s of array %s (%s)"
                    .formatted(part, superblock.array().name(), superblock.array().uuid());
        }
        return slots.damage().isEmpty()
                ? MemberContent.look(member.device(), blocking).words()
                : slots.damage();
    }

    private void addSlots() throws IOException {
        List<Object> views = new ArrayList<>();
        for (MetadataPlace place : MetadataPlace.values()) {
            List<Area> areas = MemberLayout.slots(access.sizeBytes(), place);
            for (int slot = 0; slot < areas.size(); slot++) {
                Area area = areas.get(slot);
                if (area.offset() < 0 || area.offset() + area.length() > access.sizeBytes()) {
                    continue;
                }
                String state = stateOf(area, slot);
                if (state.isEmpty()) {
                    continue;
                }
                Map<String, Object> slotView = new LinkedHashMap<>();
                slotView.put("metadata", place.name().toLowerCase(Locale.ROOT));
                slotView.put("slot", slot);
                slotView.put("offset", area.offset());
                slotView.put("state", state);
                views.add(slotView);
                line("slot " + slot, "%s, at %d".formatted(state, area.offset()));
            }
        }
        view.put("slots", views);
    }

    /// What stands in a slot; empty if nothing does.
    private String stateOf(Area area, int slot) throws IOException {
        try {
            Superblock found =
                    SuperblockCodec.decode(access.read(area.offset(), (int) area.length()), slot);
            return "event %d".formatted(found.events());
        } catch (SuperblockFault fault) {
            return fault.kind() == SuperblockFault.Kind.NONE ? "" : fault.getMessage();
        }
    }

    private void addBitmap(Superblock superblock) throws IOException {
        MemberAreas areas = superblock.areas();
        if (!areas.bitmap().isPresent()) {
            return;
        }
        long rows = superblock.array().rowBytes();
        int regions = Math.toIntExact((rows - 1) / areas.regionBytes() + 1);
        int length = BitmapBlocks.count(regions) * BitmapBlocks.BLOCK_BYTES;
        BitSet dirty = new BitSet();
        int torn =
                BitmapBlocks.decode(
                        superblock.array().uuid(),
                        access.read(areas.bitmap().offset(), length),
                        regions,
                        dirty);
        Map<String, Object> bitmap = new LinkedHashMap<>();
        bitmap.put("region", areas.regionBytes());
        bitmap.put("regions", regions);
        bitmap.put("dirty-regions", dirty.cardinality());
        bitmap.put("torn-blocks", torn);
        view.put("bitmap", bitmap);
        line(
                "dirty",
                "%d of %d regions of %s%s"
                        .formatted(
                                dirty.cardinality(),
                                regions,
                                Units.size(areas.regionBytes()),
                                torn == 0 ? "" : ", %d torn blocks".formatted(torn)));
    }

    private void addBadBlocks(Superblock superblock) throws IOException {
        MemberAreas areas = superblock.areas();
        if (!areas.badBlocks().isPresent()) {
            return;
        }
        Map<String, Object> list = new LinkedHashMap<>();
        String words;
        try {
            BadBlocks lost =
                    BadBlockSlots.decode(
                                    superblock.member(),
                                    access.read(
                                            areas.badBlocks().offset(), BadBlockSlots.AREA_BYTES),
                                    access.sizeBytes())
                            .list();
            list.put("ranges", lost.ranges().size());
            list.put("bytes", lost.totalBytes());
            words =
                    lost.isEmpty()
                            ? "nothing"
                            : "%s in %d ranges"
                                    .formatted(Units.size(lost.totalBytes()), lost.ranges().size());
        } catch (DeviceFault damage) {
            list.put("problem", damage.getMessage());
            words = damage.getMessage();
        }
        view.put("bad-blocks", list);
        line("lost", words);
    }

    private void line(String label, String value) {
        text.append("%16s  %s%n".formatted(label, value));
    }
}
