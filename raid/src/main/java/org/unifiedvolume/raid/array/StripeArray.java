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
import org.unifiedvolume.raid.geometry.StripeGeometry;
import org.unifiedvolume.request.AllOf;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.RequestIds;
import org.unifiedvolume.spi.LayoutContext;
import org.unifiedvolume.spi.LayoutMember;

/// RAID 0: chunks dealt out to the members in turn.
///
/// However many chunks of a request are on one member, they are one run there and become one child:
/// a write gathers its source from every chunk, a read's payload is dealt out again.
public final class StripeArray implements BlockDevice {
    private static final Logger LOG = LoggerFactory.getLogger(StripeArray.class);

    /// An answer that walks more chunks than this ends early; whoever asks will ask for the rest.
    private static final long MAX_LOCATED_CHUNKS = 1 << 16;

    private final ArrayMembers members;
    private final BlockDevice[] devices;
    private final Locality[] localities;
    private final boolean oneLocality;
    private final long[] starts;
    private final StripeGeometry geometry;
    private final DeviceShape shape;
    private final RequestIds ids;

    /// @param starts where on each member its part of the array starts
    private StripeArray(
            ArrayMembers members,
            long[] starts,
            StripeGeometry geometry,
            DeviceShape shape,
            RequestIds ids) {
        this.members = members;
        this.devices = members.devices();
        this.localities = members.localities();
        this.oneLocality = members.locality() != Locality.MIXED;
        this.starts = starts;
        this.geometry = geometry;
        this.shape = shape;
        this.ids = ids;
    }

    /// Makes one device of the members. Of each it uses as many whole chunks as the smallest has.
    ///
    /// @param chunkBytes a power of two
    /// @throws IOException if they do not fit together
    public static StripeArray of(List<LayoutMember> members, long chunkBytes, LayoutContext context)
            throws IOException {
        ArrayMembers all = ArrayMembers.complete(context.volume(), "raid0", members);
        if (all.blockBytes() > chunkBytes) {
            throw new IOException(
                    "volume %s: a member has blocks of %s, chunks are %s; write chunk: %s or more"
                            .formatted(
                                    context.volume(),
                                    Units.size(all.blockBytes()),
                                    Units.size(chunkBytes),
                                    Units.size(all.blockBytes()).replace(" ", "")));
        }
        LayoutMember smallest = members.getFirst();
        for (LayoutMember member : members) {
            if (sizeOf(member) < sizeOf(smallest)) {
                smallest = member;
            }
        }
        long chunks = sizeOf(smallest) / chunkBytes;
        if (chunks == 0) {
            throw new IOException(
                    "volume %s: member %s has %s, less than one chunk of %s; enlarge it or leave it out"
                            .formatted(
                                    context.volume(),
                                    smallest.name(),
                                    Units.size(sizeOf(smallest)),
                                    Units.size(chunkBytes)));
        }
        try {
            StripeGeometry geometry = new StripeGeometry(members.size(), chunkBytes, chunks);
            all = noteUnused(all, geometry.memberBytes());
            DeviceShape shape = CommonShape.of(context.volume(), members, geometry.sizeBytes());
            long[] starts = new long[members.size()];
            return new StripeArray(all, starts, geometry, shape, context.io().ids());
        } catch (ArithmeticException e) {
            throw new IOException(
                    "volume %s: its members are larger than 8 EiB together; leave some out"
                            .formatted(context.volume()),
                    e);
        }
    }

    /// Makes one device of parts of members that are known to fit together.
    ///
    /// @param chunks how many of each member are used; all parts have as many
    /// @throws IOException if the members' abilities do not
    public static StripeArray over(
            String volume, List<Part> parts, long chunkBytes, long chunks, IoContext io)
            throws IOException {
        List<LayoutMember> members = parts.stream().map(Part::member).toList();
        StripeGeometry geometry = new StripeGeometry(parts.size(), chunkBytes, chunks);
        return new StripeArray(
                ArrayMembers.complete(volume, "raid0", members),
                parts.stream().mapToLong(Part::offsetBytes).toArray(),
                geometry,
                CommonShape.of(volume, members, geometry.sizeBytes()),
                io.ids());
    }

    private static long sizeOf(LayoutMember member) {
        return member.device().shape().sizeBytes();
    }

    private static ArrayMembers noteUnused(ArrayMembers all, long usedBytes) {
        StringBuilder unused = new StringBuilder();
        for (LayoutMember member : all.members()) {
            if (sizeOf(member) > usedBytes) {
                unused.append(unused.isEmpty() ? "" : ", ")
                        .append(Units.size(sizeOf(member) - usedBytes))
                        .append(" of ")
                        .append(member.name());
            }
        }
        if (unused.isEmpty()) {
            return all;
        }
        String note =
                "uses %s of each member, as much as the smallest has in whole chunks; unused: %s"
                        .formatted(Units.size(usedBytes), unused);
        LOG.warn("volume {}: {}", all.volume(), note);
        return all.withNote(
                note, "make the members equally large, or join them with level: linear");
    }

    @Override
    public DeviceShape shape() {
        return shape;
    }

    @Override
    public Locality locality(Operation operation, long offsetBytes, long lengthBytes) {
        if (oneLocality || operation == Operation.FLUSH) {
            return members.locality();
        }
        long chunk = geometry.chunkAt(offsetBytes);
        long last = geometry.chunkAt(offsetBytes + Math.max(lengthBytes, 1) - 1);
        // After one chunk of each member nothing new can come.
        last = Math.min(last, chunk + devices.length - 1);
        Locality found = localities[geometry.memberOfChunk(chunk)];
        while (chunk < last) {
            chunk++;
            found = found.and(localities[geometry.memberOfChunk(chunk)]);
        }
        return found;
    }

    @Override
    public long localityRun(long offsetBytes) {
        if (oneLocality) {
            return shape.sizeBytes() - offsetBytes;
        }
        long chunk = geometry.chunkAt(offsetBytes);
        Locality here = localities[geometry.memberOfChunk(chunk)];
        long last = geometry.chunkAt(shape.sizeBytes() - 1);
        while (chunk <= last && localities[geometry.memberOfChunk(chunk)] == here) {
            chunk++;
        }
        return chunk * geometry.chunkBytes() - offsetBytes;
    }

    @Override
    public void submit(IoRequest request, Completion done) {
        if (request instanceof IoRequest.Flush) {
            flush(request, done);
            return;
        }
        long offset = request.offsetBytes();
        if (geometry.isWithinChunk(offset, request.lengthBytes())) {
            int member = geometry.memberAt(offset);
            IoRequest child =
                    Children.whole(
                            request,
                            starts[member] + geometry.memberOffset(offset),
                            localities[member],
                            ids);
            devices[member].submit(child, Completion.of(request, child, done));
            return;
        }
        switch (request) {
            case IoRequest.Read read ->
                    spreadAnswers(read, read.lengthBytes(), new StripedRead(geometry, read, done));
            case IoRequest.Locate locate -> {
                long longest = MAX_LOCATED_CHUNKS * geometry.chunkBytes();
                long length = Math.min(locate.lengthBytes(), longest);
                spreadAnswers(locate, length, new StripedLocate(geometry, locate, length, done));
            }
            case IoRequest.Write write -> spread(write, done);
            case IoRequest.Zero zero -> spread(zero, done);
            case IoRequest.Discard discard -> spread(discard, done);
            case IoRequest.Prefetch prefetch -> spread(prefetch, done);
            case IoRequest.Flush flush -> flush(flush, done);
        }
    }

    private void flush(IoRequest request, Completion done) {
        AllOf all = new AllOf(request, done);
        for (int i = 0; i < devices.length; i++) {
            all.expectOne();
            devices[i].submit(Children.of(request, 0, 0, null, localities[i], ids), all);
        }
        all.allSubmitted();
    }

    private void spread(IoRequest request, Completion done) {
        AllOf all = new AllOf(request, done);
        long offset = request.offsetBytes();
        long length = request.lengthBytes();
        for (int i = 0; i < devices.length; i++) {
            long start = geometry.startOn(i, offset, length);
            if (start < 0) {
                continue;
            }
            IoRequest child =
                    Children.of(
                            request,
                            starts[i] + start,
                            geometry.lengthOn(i, offset, length),
                            gather(i, request),
                            localities[i],
                            ids);
            all.expectOne();
            devices[i].submit(child, all);
        }
        all.allSubmitted();
    }

    private void spreadAnswers(IoRequest request, long length, SpreadAnswers all) {
        long offset = request.offsetBytes();
        for (int i = 0; i < devices.length; i++) {
            long start = geometry.startOn(i, offset, length);
            if (start < 0) {
                continue;
            }
            long memberLength = geometry.lengthOn(i, offset, length);
            IoRequest child =
                    Children.of(request, starts[i] + start, memberLength, null, localities[i], ids);
            devices[i].submit(child, all.expect(i));
        }
        all.allSubmitted();
    }

    /// The parts of a write's source that one member stores, in the order in which it does.
    private Buffers gather(int member, IoRequest request) {
        if (!(request instanceof IoRequest.Write write)) {
            return null;
        }
        long offset = write.offsetBytes();
        long end = offset + write.lengthBytes();
        long chunk = geometry.chunkAt(offset);
        long first =
                chunk
                        + Math.floorMod(
                                member - geometry.memberOfChunk(chunk), geometry.memberCount());
        long last = geometry.chunkAt(end - 1);
        int count = (int) ((last - first) / geometry.memberCount()) + 1;
        Buffers[] parts = new Buffers[count];
        for (int i = 0; i < count; i++) {
            long chunkStart = (first + (long) i * geometry.memberCount()) * geometry.chunkBytes();
            long from = Math.max(offset, chunkStart);
            long to = Math.min(end, chunkStart + geometry.chunkBytes());
            parts[i] = write.source().part(from - offset, to - from);
        }
        return count == 1 ? parts[0] : Buffers.concat(parts);
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
