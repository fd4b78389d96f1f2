package org.unifiedvolume.service;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.stats.Meter;
import org.unifiedvolume.stats.MeterReading;
import org.unifiedvolume.volume.Lane;
import org.unifiedvolume.volume.Member;

/// Says what volumes, their lanes and their members did between two looks: the form behind
/// `uvol iostat --json`. One command owns each sampler.
final class IostatSampler {
    private static final List<Operation> OTHERS =
            List.of(
                    Operation.FLUSH,
                    Operation.DISCARD,
                    Operation.ZERO,
                    Operation.PREFETCH,
                    Operation.LOCATE);

    /// One line of the report.
    private static final class Line {
        private final String what;
        private final String name;
        private final Locality locality;
        private final Meter meter;
        private MeterReading before;

        /// @param locality null where it is no one's business
        Line(String what, String name, Locality locality, Meter meter) {
            this.what = what;
            this.name = name;
            this.locality = locality;
            this.meter = meter;
            this.before = meter.read();
        }

        Map<String, Object> sample(double seconds) {
            MeterReading now = meter.read();
            MeterReading since = now.since(before);
            before = now;
            Map<String, Object> view = new LinkedHashMap<>();
            view.put("what", what);
            view.put("name", name);
            if (locality != null) {
                view.put("locality", locality.name());
            }
            view.put("read", rates(since, Operation.READ, seconds));
            view.put("write", rates(since, Operation.WRITE, seconds));
            long others = OTHERS.stream().mapToLong(since::requests).sum();
            view.put("othersPerSecond", others / seconds);
            view.put("failures", since.failures());
            return view;
        }

        private static Map<String, Object> rates(
                MeterReading since, Operation operation, double seconds) {
            Map<String, Object> rates = new LinkedHashMap<>();
            rates.put("requests", since.requests(operation));
            rates.put("bytes", since.bytes(operation));
            rates.put("requestsPerSecond", since.requests(operation) / seconds);
            rates.put("bytesPerSecond", since.bytes(operation) / seconds);
            rates.put("p50Nanos", since.percentileNanos(operation, 0.5));
            rates.put("p99Nanos", since.percentileNanos(operation, 0.99));
            rates.put("p999Nanos", since.percentileNanos(operation, 0.999));
            return rates;
        }
    }

    /// The lines of one volume; those of its members change as these do.
    private static final class Lines {
        private final OpenVolume open;
        private final List<Line> fixed = new ArrayList<>();
        private IdentityHashMap<Member, Line> members = new IdentityHashMap<>();

        Lines(OpenVolume open) {
            this.open = open;
            fixed.add(new Line("volume", open.name(), null, open.volume().meter()));
            for (Locality locality : List.of(Locality.LOCAL, Locality.REMOTE)) {
                Lane lane = open.volume().lanes().of(locality);
                fixed.add(new Line("lane", locality.name(), locality, lane.meter()));
            }
            all();
        }

        /// The lines of now. A member that stays keeps its line, one that came gets one.
        List<Line> all() {
            List<Line> all = new ArrayList<>(fixed);
            IdentityHashMap<Member, Line> now = new IdentityHashMap<>();
            for (Member member : open.members()) {
                Line before = members.get(member);
                Line line =
                        before != null
                                ? before
                                : new Line(
                                        "member", member.uri(), member.locality(), member.meter());
                now.put(member, line);
                all.add(line);
            }
            members = now;
            return all;
        }

        Map<String, Object> sample(double seconds) {
            Map<String, Object> volume = new LinkedHashMap<>();
            volume.put("name", open.name());
            volume.put("lines", all().stream().map(l -> (Object) l.sample(seconds)).toList());
            return volume;
        }
    }

    private final List<Lines> volumes = new ArrayList<>();
    private long sampledNanos = System.nanoTime();

    IostatSampler(List<OpenVolume> chosen) {
        chosen.forEach(open -> volumes.add(new Lines(open)));
    }

    /// What happened since the last call, or since the sampler was made.
    Map<String, Object> sample() {
        long now = System.nanoTime();
        double seconds = Math.max(1, now - sampledNanos) / 1e9;
        sampledNanos = now;
        Map<String, Object> view = new LinkedHashMap<>();
        view.put("seconds", seconds);
        view.put("volumes", volumes.stream().map(lines -> (Object) lines.sample(seconds)).toList());
        return view;
    }
}
