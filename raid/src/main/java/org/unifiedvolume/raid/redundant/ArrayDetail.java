package org.unifiedvolume.raid.redundant;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.raid.badblock.BadBlocks;
import org.unifiedvolume.raid.superblock.ArrayDescription;
import org.unifiedvolume.raid.superblock.Epoch;
import org.unifiedvolume.raid.superblock.MemberAreas;

/// Shows an array that runs, with its legs and jobs, as plain values.
final class ArrayDetail {
    private final RedundantArray array;
    private final Superblocks superblocks;

    ArrayDetail(RedundantArray array, Superblocks superblocks) {
        this.array = array;
        this.superblocks = superblocks;
    }

    /// While nobody changes which legs there are.
    Map<String, Object> view() {
        return array.legs().look(this::build);
    }

    private Map<String, Object> build() {
        ArrayDescription description = superblocks.array();
        List<Leg> all = array.legs().all(); // not after the status: there may be more then
        DeviceStatus status = array.status();
        Map<String, Object> view = new LinkedHashMap<>();
        view.put("name", array.volume());
        view.put("uuid", description.uuid().toString());
        view.put("level", description.levelName());
        view.put("chunk", description.chunkBytes());
        view.put("copies", description.copies());
        view.put("size", array.shape().sizeBytes());
        view.put("used", description.rowBytes());
        if (description.reshape() != null) {
            Map<String, Object> reshape = new LinkedHashMap<>();
            reshape.put("roles-before", description.reshape().rolesBefore());
            reshape.put("roles", description.roles());
            reshape.put("position", description.reshape().positionBytes());
            view.put("reshape", reshape);
        }
        view.put("state", status.state().name());
        view.put("reason", status.reason());
        view.put("since", status.since().toString());
        view.put("remedy", status.remedy());
        Epoch epoch = array.legs().look(() -> array.legs().epoch());
        view.put("events", array.legs().look(() -> array.legs().events()));
        view.put("epoch", Map.of("number", epoch.number(), "id", "%016x".formatted(epoch.id())));
        MemberAreas areas = superblocks.anySeat().areas();
        view.put("metadata", areas.place().name().toLowerCase(Locale.ROOT));
        view.put("integrity", areas.checksums().isPresent() ? "crc32c" : "none");
        if (array.bitmap() != null) {
            Map<String, Object> bitmap = new LinkedHashMap<>();
            bitmap.put("region", array.bitmap().regionBytes());
            bitmap.put("dirty", array.bitmap().dirtyBytes());
            view.put("bitmap", bitmap);
        }
        Map<String, Object> copied = new LinkedHashMap<>();
        copied.put("jobs", array.jobs().copyingJobs());
        copied.put("bytes", array.jobs().copiedBytes());
        view.put("copied", copied);
        view.put("legs", legs(all, status));
        view.put("spare-delay-seconds", array.succession().delaySeconds());
        view.put("replacements", others(status, ArrayStatus.REPLACEMENT));
        view.put("spares", others(status, ArrayStatus.SPARE));
        view.put("jobs", array.jobs().all().stream().map(ArrayDetail::job).toList());
        return view;
    }

    private List<Object> legs(List<Leg> all, DeviceStatus status) {
        List<Object> views = new ArrayList<>();
        for (Leg leg : all) {
            DeviceStatus own = status.children().get(leg.role());
            Map<String, Object> view = new LinkedHashMap<>();
            view.put("role", leg.role());
            view.put("name", leg.name());
            view.put("member", leg.member().uuid().toString());
            view.put("state", own.state().name());
            view.put("holds", leg.state().name());
            view.put("locality", leg.locality().name());
            view.put("reason", own.reason());
            view.put("since", own.since().toString());
            view.put("remedy", own.remedy());
            view.put("filled", leg.filledBytes());
            if (leg.queue() != null) {
                view.put("write-behind", leg.queue().lag().view());
            }
            view.put("known-events", array.legs().knownEvents(leg));
            view.put("failed-reads", leg.readErrors());
            view.put("mended", leg.mended());
            view.put("bad-blocks", badBlocks(leg));
            if (leg.hasChecksums()) {
                view.put("checksum-errors", leg.member().integrity().errorCount());
            }
            views.add(view);
        }
        return views;
    }

    /// What of a leg is lost, and what of the array that is.
    private Map<String, Object> badBlocks(Leg leg) {
        BadBlocks lost = leg.member().lost();
        List<Object> ranges = new ArrayList<>();
        for (BadBlocks.Range range : lost.ranges()) {
            long length;
            for (long row = range.row(); row < range.end(); row += length) {
                Level.Use use = array.level().useOf(leg.role(), row, range.end() - row);
                length = use == null ? range.end() - row : use.lengthBytes();
                Map<String, Object> view = new LinkedHashMap<>();
                view.put("row", row);
                view.put("length", length);
                if (use != null && use.offsetBytes() >= 0) {
                    view.put("offset", use.offsetBytes());
                } else {
                    view.put("holds", use == null ? "unknown" : "parity");
                }
                ranges.add(view);
            }
        }
        Map<String, Object> view = new LinkedHashMap<>();
        view.put("bytes", lost.totalBytes());
        view.put("ranges", ranges);
        return view;
    }

    private static List<Object> others(DeviceStatus status, String kind) {
        List<Object> views = new ArrayList<>();
        for (DeviceStatus own : status.children()) {
            if (own.kind().equals(kind)) {
                Map<String, Object> view = new LinkedHashMap<>();
                view.put("name", own.name());
                view.put("state", own.state().name());
                view.put("locality", own.locality().name());
                view.put("size", own.sizeBytes());
                view.put("reason", own.reason());
                view.put("since", own.since().toString());
                view.put("remedy", own.remedy());
                views.add(view);
            }
        }
        return views;
    }

    private static Object job(Job job) {
        return job.progress().view(job.hasEnded(), job.problem());
    }
}
