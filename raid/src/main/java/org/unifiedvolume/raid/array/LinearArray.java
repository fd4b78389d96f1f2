package org.unifiedvolume.raid.array;

import java.io.IOException;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.config.Units;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.raid.geometry.LinearGeometry;
import org.unifiedvolume.request.AllOf;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.RequestIds;
import org.unifiedvolume.spi.LayoutContext;
import org.unifiedvolume.spi.LayoutMember;

/// Members one after another as one device.
public final class LinearArray implements BlockDevice {
    private static final Logger LOG = LoggerFactory.getLogger(LinearArray.class);

    private final ArrayMembers members;
    private final BlockDevice[] devices;
    private final Locality[] localities;
    private final long[] starts;
    private final LinearGeometry geometry;
    private final DeviceShape shape;
    private final RequestIds ids;

    /// @param starts where on each member its part of the array starts
    private LinearArray(
            ArrayMembers members,
            long[] starts,
            LinearGeometry geometry,
            DeviceShape shape,
            RequestIds ids) {
        this.members = members;
        this.devices = members.devices();
        this.localities = members.localities();
        this.starts = starts;
        this.geometry = geometry;
        this.shape = shape;
        this.ids = ids;
    }

    /// Makes one device of the members; each is used up to the last whole block of the largest
    /// block size among them.
    ///
    /// @throws IOException if they do not fit together
    public static BlockDevice of(List<LayoutMember> members, LayoutContext context)
            throws IOException {
        ArrayMembers all = ArrayMembers.complete(context.volume(), "linear", members);
        if (members.size() == 1) {
            return new SoleMember(all);
        }
        int block = all.blockBytes();
        long[] sizes = new long[members.size()];
        StringBuilder unused = new StringBuilder();
        for (int i = 0; i < sizes.length; i++) {
            LayoutMember member = members.get(i);
            long has = member.device().shape().sizeBytes();
            sizes[i] = has - has % block;
            if (sizes[i] == 0) {
                throw new IOException(
                        "volume %s: member %s has %d bytes, less than one block of %d; leave it out"
                                .formatted(context.volume(), member.name(), has, block));
            }
            if (sizes[i] < has) {
                unused.append(unused.isEmpty() ? "" : ", ")
                        .append(Units.size(has - sizes[i]))
                        .append(" of ")
                        .append(member.name());
            }
        }
        if (!unused.isEmpty()) {
            String note = unused + " stay unused: not a whole block of " + Units.size(block);
            LOG.warn("volume {}: {}", context.volume(), note);
            all = all.withNote(note, "make every member whole blocks of " + Units.size(block));
        }
        try {
            LinearGeometry geometry = new LinearGeometry(sizes);
            return new LinearArray(
                    all,
                    new long[sizes.length],
                    geometry,
                    CommonShape.of(context.volume(), members, geometry.sizeBytes()),
                    context.io().ids());
        } catch (ArithmeticException e) {
            throw new IOException(
                    "volume %s: its members are larger than 8 EiB together; leave some out"
                            .formatted(context.volume()),
                    e);
        }
    }

    /// Makes one device of parts of members that are known to fit together.
    ///
    /// @throws IOException if the members' abilities do not
    public static LinearArray over(String volume, List<Part> parts, IoContext io)
            throws IOException {
        List<LayoutMember> members = parts.stream().map(Part::member).toList();
        LinearGeometry geometry =
                new LinearGeometry(parts.stream().mapToLong(Part::lengthBytes).toArray());
        return new LinearArray(
                ArrayMembers.complete(volume, "linear", members),
                parts.stream().mapToLong(Part::offsetBytes).toArray(),
                geometry,
                CommonShape.of(volume, members, geometry.sizeBytes()),
                io.ids());
    }

    @Override
    public DeviceShape shape() {
        return shape;
    }

    @Override
    public Locality locality(Operation operation, long offsetBytes, long lengthBytes) {
        if (operation == Operation.FLUSH) {
            return members.locality();
        }
        int member = geometry.memberAt(offsetBytes);
        Locality found = localities[member];
        while (geometry.endOf(member) - offsetBytes < lengthBytes) {
            member++;
            found = found.and(localities[member]);
        }
        return found;
    }

    @Override
    public long localityRun(long offsetBytes) {
        int member = geometry.memberAt(offsetBytes);
        Locality here = localities[member];
        while (member + 1 < devices.length && localities[member + 1] == here) {
            member++;
        }
        return geometry.endOf(member) - offsetBytes;
    }

    @Override
    public void submit(IoRequest request, Completion done) {
        if (request instanceof IoRequest.Flush) {
            spread(request, done, 0, devices.length - 1);
            return;
        }
        long offset = request.offsetBytes();
        int first = geometry.memberAt(offset);
        long room = geometry.endOf(first) - offset;
        if (request.lengthBytes() <= room) {
            IoRequest child =
                    Children.whole(request, placeOn(first, offset), localities[first], ids);
            devices[first].submit(child, Completion.of(request, child, done));
        } else if (request instanceof IoRequest.Locate) {
            // An answer may end before the range does; whoever asks will ask for the rest.
            IoRequest child =
                    Children.of(
                            request, placeOn(first, offset), room, null, localities[first], ids);
            devices[first].submit(child, Completion.of(request, child, done));
        } else {
            spread(request, done, first, geometry.memberAt(offset + request.lengthBytes() - 1));
        }
    }

    private void spread(IoRequest request, Completion done, int first, int last) {
        if (request instanceof IoRequest.Read) {
            JoinedRead all = new JoinedRead(request, done, last - first + 1);
            for (int i = first; i <= last; i++) {
                devices[i].submit(childOn(i, request), all.expect(i - first));
            }
            all.allSubmitted();
        } else {
            AllOf all = new AllOf(request, done);
            for (int i = first; i <= last; i++) {
                all.expectOne();
                devices[i].submit(childOn(i, request), all);
            }
            all.allSubmitted();
        }
    }

    /// Where on a member it has a byte of the array.
    private long placeOn(int member, long offset) {
        return starts[member] + offset - geometry.startOf(member);
    }

    /// One member's part of a request.
    private IoRequest childOn(int member, IoRequest request) {
        if (request instanceof IoRequest.Flush) {
            return Children.of(request, 0, 0, null, localities[member], ids);
        }
        long offset = request.offsetBytes();
        long start = Math.max(offset, geometry.startOf(member));
        long length = Math.min(offset + request.lengthBytes(), geometry.endOf(member)) - start;
        return Children.of(
                request,
                placeOn(member, start),
                length,
                part(request, start - offset, length),
                localities[member],
                ids);
    }

    private static Buffers part(IoRequest request, long offset, long length) {
        return request instanceof IoRequest.Write write
                ? write.source().part(offset, length)
                : null;
    }

    @Override
    public DeviceStatus status() {
        return members.status(shape.sizeBytes());
    }

    @Override
    public void close() {
        members.close();
    }
}
