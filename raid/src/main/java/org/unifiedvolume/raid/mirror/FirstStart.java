package org.unifiedvolume.raid.mirror;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.DeviceShape.Ability;
import org.unifiedvolume.raid.mirror.MirrorRecord.Entry;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.spi.LayoutMember;

/// Decides what the legs of a new mirror hold, for nothing was written down yet.
///
/// ```
///  legs that hold something   what is done
///  none, surely               all are in sync
///  none, by their ends        the first is copied to the others
///  one                        it is copied to the others
///  more                       refused, unless the user says which is right or that all are alike
/// ```
final class FirstStart {
    private static final long LOOK_BYTES = 1 << 20;

    private final String volume;
    private final List<LayoutMember> members;
    private final MirrorOptions options;
    private final BlockingLegs blocking;

    /// What a leg holds, as far as it was looked at.
    private enum Content {
        ZEROES,
        BLANK_ENDS,
        SOMETHING
    }

    FirstStart(
            String volume,
            List<LayoutMember> members,
            MirrorOptions options,
            BlockingLegs blocking) {
        this.volume = volume;
        this.members = members;
        this.options = options;
        this.blocking = blocking;
    }

    MirrorRecord decide(long sizeBytes) throws IOException {
        for (LayoutMember member : members) {
            if (member.isMissing()) {
                throw new IOException(
                        ("volume %s: there is no record of this mirror yet, and leg %s cannot be"
                                        + " opened (%s), so nobody knows whether the others are good."
                                        + " Start it once with all legs, or leave that one out")
                                .formatted(volume, member.name(), member.problem()));
            }
        }
        if (options.assumeClean()) {
            return record(sizeBytes, firstLocal(), LegState.IN_SYNC);
        }
        if (options.primary() != null) {
            return record(sizeBytes, named(options.primary()), LegState.REBUILDING);
        }
        return byContent(sizeBytes);
    }

    private MirrorRecord byContent(long sizeBytes) throws IOException {
        boolean allZero = true;
        List<Integer> holding = new ArrayList<>();
        for (int i = 0; i < members.size(); i++) {
            Content content = look(members.get(i), sizeBytes);
            allZero &= content == Content.ZEROES;
            if (content == Content.SOMETHING) {
                holding.add(i);
            }
        }
        if (allZero) {
            return record(sizeBytes, firstLocal(), LegState.IN_SYNC);
        }
        if (holding.size() <= 1) {
            int primary = holding.isEmpty() ? firstLocal() : holding.getFirst();
            return record(sizeBytes, primary, LegState.REBUILDING);
        }
        StringBuilder names = new StringBuilder();
        for (int i : holding) {
            names.append(names.isEmpty() ? "" : " and ").append(members.get(i).name());
        }
        throw new IOException(
                ("volume %s: %s hold data, and one would overwrite the other. Write primary: with"
                                + " the one that is right; or assume-clean: true if they hold the same")
                        .formatted(volume, names));
    }

    private MirrorRecord record(long sizeBytes, int primary, LegState others) {
        long now = System.currentTimeMillis();
        List<Entry> entries = new ArrayList<>();
        for (int i = 0; i < members.size(); i++) {
            LayoutMember member = members.get(i);
            entries.add(
                    new Entry(
                            member.name(),
                            member.device().shape().sizeBytes(),
                            i == primary ? LegState.IN_SYNC : others,
                            now,
                            ""));
        }
        return new MirrorRecord(0, sizeBytes, false, primary, entries);
    }

    private int firstLocal() {
        for (int i = 0; i < members.size(); i++) {
            if (members.get(i).locality() == Locality.LOCAL) {
                return i;
            }
        }
        return 0;
    }

    private int named(String name) throws IOException {
        List<String> names = members.stream().map(LayoutMember::name).toList();
        int index = names.indexOf(name);
        if (index < 0) {
            throw new IOException(
                    "volume %s: primary: %s is none of its members; write one of %s"
                            .formatted(volume, name, String.join(", ", names)));
        }
        return index;
    }

    private Content look(LayoutMember member, long sizeBytes) throws IOException {
        Leg leg = new Leg(0, member, new Entry(member.name(), 0, LegState.IN_SYNC, 0, ""));
        try {
            if (member.device().shape().can(Ability.LOCATE)) {
                long at = 0;
                long run = -1;
                while (at < sizeBytes && run != 0) {
                    run = blocking.zeroRun(leg, at, sizeBytes - at);
                    at += run;
                }
                if (at == sizeBytes) {
                    return Content.ZEROES;
                }
            }
            long length = Math.min(LOOK_BYTES, sizeBytes);
            boolean isBlank = isZero(leg, 0, length) && isZero(leg, sizeBytes - length, length);
            return isBlank ? Content.BLANK_ENDS : Content.SOMETHING;
        } catch (DeviceFault fault) {
            throw new IOException(
                    "volume %s: leg %s cannot be read: %s"
                            .formatted(volume, member.name(), fault.getMessage()),
                    fault);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while " + member.name() + " was looked at", e);
        }
    }

    private boolean isZero(Leg leg, long offset, long length)
            throws DeviceFault, InterruptedException {
        Buffers bytes = blocking.read(leg, offset, length);
        try {
            for (int i = 0; i < bytes.sliceCount(); i++) {
                var slice = bytes.slice(i);
                var memory = slice.block().memory().asSlice(slice.offset(), slice.length());
                for (long at = 0; at < slice.length(); at++) {
                    if (memory.get(ValueLayout.JAVA_BYTE, at) != 0) {
                        return false;
                    }
                }
            }
            return true;
        } finally {
            bytes.release();
        }
    }
}
