package org.unifiedvolume.service;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.DeviceUri;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.spi.Export;
import org.unifiedvolume.spi.ExportKind;
import org.unifiedvolume.spi.ExportPlan;
import org.unifiedvolume.spi.Kinds;
import org.unifiedvolume.spi.LayoutContext;
import org.unifiedvolume.spi.LayoutKind;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.spi.LayoutPlan;
import org.unifiedvolume.spi.ManagedArray;
import org.unifiedvolume.spi.MemberKind;
import org.unifiedvolume.spi.MemberPlan;
import org.unifiedvolume.spi.TargetContext;
import org.unifiedvolume.spi.VolumeOptions;
import org.unifiedvolume.testkit.MemoryDevice;
import org.unifiedvolume.volume.Member;
import org.unifiedvolume.volume.Volume;

/// Kinds in memory that write down what is done to them, and fail where their URI says so.
///
/// Members: `here:name` and `far:name`, with `?fail=check` or `?fail=open`. Exports: `door:name`
/// with the same. Level `first`: all requests go to the first member that is there; needs one.
public final class FakeKinds {
    private static final long SIZE_BYTES = 1 << 20;

    private final List<String> log = Collections.synchronizedList(new ArrayList<>());

    /// What was done, in order.
    public List<String> log() {
        return List.copyOf(log);
    }

    public Kinds kinds() {
        return new Kinds(
                List.of(new Members()), List.of(new Doors()), List.of(new First()), List.of());
    }

    private final class Members implements MemberKind {
        @Override
        public Set<String> schemes() {
            return Set.of("here", "far");
        }

        @Override
        public MemberPlan plan(DeviceUri uri) throws ConfigFault {
            String fail = uri.option("fail");
            long deadline = uri.duration("deadline", 1_000_000_000L);
            uri.rejectUnknownKeys();
            Locality where = uri.scheme().equals("here") ? Locality.LOCAL : Locality.REMOTE;
            return new FakeMember(uri.toString(), uri.path(), where, deadline, fail);
        }
    }

    private final class FakeMember implements MemberPlan {
        private final String name;
        private final String path;
        private final Locality where;
        private final long deadlineNanos;
        private final String fail;

        FakeMember(String name, String path, Locality where, long deadlineNanos, String fail) {
            this.name = name;
            this.path = path;
            this.where = where;
            this.deadlineNanos = deadlineNanos;
            this.fail = fail;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public Object identity() {
            return path;
        }

        @Override
        public Locality locality() {
            return where;
        }

        @Override
        public int depth() {
            return 4;
        }

        @Override
        public long deadlineNanos() {
            return deadlineNanos;
        }

        @Override
        public void check() throws IOException {
            log.add("check " + name);
            if ("check".equals(fail)) {
                throw new IOException(name + " cannot be had; choose another");
            }
        }

        @Override
        public BlockDevice open(TargetContext context) throws IOException {
            if ("open".equals(fail)) {
                throw new IOException(name + " does not open; try later");
            }
            log.add("open " + name);
            return new Logged(
                    name, new MemoryDevice(SIZE_BYTES, where, context.io()), where, List.of());
        }
    }

    /// A device that passes everything on, and writes down flushes and its closing.
    private final class Logged implements BlockDevice, ManagedArray {
        private final String name;
        private final BlockDevice below;
        private final Locality where;
        private final List<LayoutMember> members;

        Logged(String name, BlockDevice below, Locality where, List<LayoutMember> members) {
            this.name = name;
            this.below = below;
            this.where = where;
            this.members = members;
        }

        @Override
        public DeviceShape shape() {
            return below.shape();
        }

        @Override
        public Locality locality(Operation operation, long offsetBytes, long lengthBytes) {
            return where;
        }

        @Override
        public DeviceStatus status() {
            List<DeviceStatus> children =
                    members.stream()
                            .map(
                                    m ->
                                            m.isMissing()
                                                    ? gone(m)
                                                    : DeviceStatus.online(
                                                            m.name(),
                                                            "fake",
                                                            Instant.EPOCH,
                                                            m.locality(),
                                                            SIZE_BYTES,
                                                            List.of()))
                            .toList();
            DeviceStatus whole =
                    DeviceStatus.online(name, "first", Instant.EPOCH, where, SIZE_BYTES, children);
            return members.stream().anyMatch(LayoutMember::isMissing)
                    ? whole.as(
                            DeviceStatus.State.DEGRADED, "a member is missing", Instant.EPOCH, "")
                    : whole;
        }

        private DeviceStatus gone(LayoutMember member) {
            return new DeviceStatus(
                    member.name(),
                    "fake",
                    DeviceStatus.State.UNAVAIL,
                    member.problem(),
                    Instant.EPOCH,
                    "",
                    member.locality(),
                    0,
                    List.of());
        }

        @Override
        public void submit(IoRequest request, Completion done) {
            if (request instanceof IoRequest.Flush) {
                log.add("flush " + name);
            }
            below.submit(request, done);
        }

        @Override
        public List<String> memberNames() {
            return members.stream().map(LayoutMember::name).toList();
        }

        @Override
        public Map<String, Object> detail() {
            return Map.of("name", name);
        }

        @Override
        public void fail(String member) {
            log.add("fail " + member);
        }

        @Override
        public String remove(String member) {
            log.add("remove " + member);
            return "";
        }

        @Override
        public void replace(String member, LayoutMember replacement, boolean force) {
            log.add("replace %s by %s".formatted(member, replacement.name()));
        }

        @Override
        public List<Member> members() {
            return members.stream().filter(m -> !m.isMissing()).map(LayoutMember::device).toList();
        }

        @Override
        public boolean add(LayoutMember member, boolean force) {
            log.add("add " + member.name());
            return true;
        }

        @Override
        public long grow(long sizeBytes) {
            log.add("grow " + sizeBytes);
            return sizeBytes;
        }

        @Override
        public String setLegs(
                int count, List<LayoutMember> added, List<String> gone, boolean force) {
            List<String> names = added.stream().map(LayoutMember::name).toList();
            log.add("%d legs, more %s, without %s".formatted(count, names, gone));
            return "";
        }

        @Override
        public Extended extend(List<LayoutMember> more, boolean force, long maxRateBytes)
                throws IOException {
            log.add("extend by " + more.size());
            if (!force) {
                throw new IOException("they hold something; --force");
            }
            return new Extended(SIZE_BYTES, SIZE_BYTES + more.size() * SIZE_BYTES);
        }

        @Override
        public void scrub(boolean repairs, long maxRateBytes) {
            log.add("scrub " + maxRateBytes);
        }

        @Override
        public void stopScrub() throws IOException {
            throw new IOException("no scrub is under way");
        }

        @Override
        public void readd(String member, boolean assumeClean) throws IOException {
            if (!assumeClean) {
                throw new IOException(member + " must not be trusted; add --assume-clean");
            }
            log.add("re-add " + member);
        }

        @Override
        public void close() {
            log.add("close " + name);
            below.close();
        }
    }

    private final class First implements LayoutKind {
        @Override
        public Set<String> levels() {
            return Set.of("first");
        }

        @Override
        public LayoutPlan plan(VolumeOptions options, int memberCount) throws ConfigFault {
            options.size("chunk", 0);
            return new LayoutPlan() {
                @Override
                public int leastMembers() {
                    return 1;
                }

                @Override
                public BlockDevice assemble(List<LayoutMember> members, LayoutContext context) {
                    LayoutMember first =
                            members.stream().filter(m -> !m.isMissing()).findFirst().orElseThrow();
                    return new Logged(context.volume(), first.device(), first.locality(), members);
                }
            };
        }
    }

    private final class Doors implements ExportKind {
        @Override
        public Set<String> schemes() {
            return Set.of("door");
        }

        @Override
        public ExportPlan plan(DeviceUri uri) throws ConfigFault {
            String fail = uri.option("fail");
            uri.rejectUnknownKeys();
            return new ExportPlan() {
                @Override
                public String name() {
                    return uri.toString();
                }

                @Override
                public Object identity() {
                    return uri.path();
                }

                @Override
                public void check() throws IOException {
                    log.add("check " + uri);
                    if ("check".equals(fail)) {
                        throw new IOException(uri + " is taken; choose another");
                    }
                }

                @Override
                public Export open(Volume volume, TargetContext context) throws IOException {
                    if ("open".equals(fail)) {
                        throw new IOException(uri + " does not open; try later");
                    }
                    log.add("serve " + uri);
                    return new Door(uri.toString());
                }
            };
        }
    }

    private final class Door implements Export {
        private final String uri;

        Door(String uri) {
            this.uri = uri;
        }

        @Override
        public String uri() {
            return uri;
        }

        @Override
        public void close() {
            log.add("close " + uri);
        }
    }
}
