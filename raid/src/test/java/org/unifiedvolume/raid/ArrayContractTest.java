package org.unifiedvolume.raid;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;
import org.unifiedvolume.config.Place;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.layer.DelayLayer;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.spi.Kinds;
import org.unifiedvolume.spi.LayoutContext;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.spi.VolumeOptions;
import org.unifiedvolume.stack.OrderPolicy;
import org.unifiedvolume.stack.StackOptions;
import org.unifiedvolume.testkit.BlockDeviceContract;
import org.unifiedvolume.testkit.MemoryDevice;
import org.unifiedvolume.testkit.TestProcess;
import org.unifiedvolume.trace.Tracer;
import org.unifiedvolume.volume.Lanes;
import org.unifiedvolume.volume.Member;

/// Every layout keeps the contract of devices, over a member that answers at once beside members
/// that answer late.
final class ArrayContractTest {
    private static final long MEMBER_BYTES = 3 << 20;

    /// One layout, through the door by which a service makes it.
    private abstract static class Layout extends BlockDeviceContract {
        @TempDir private Path folder;

        private final String level;
        private final int members;
        private final Map<String, VolumeOptions.Value> options;

        Layout(String level, int members, Map<String, VolumeOptions.Value> options) {
            this.level = level;
            this.members = members;
            this.options = options;
        }

        @Override
        protected BlockDevice openDevice(TestProcess surroundings) throws Exception {
            Lanes lanes = new Lanes();
            Tracer tracer = new Tracer(surroundings.context().timers());
            List<LayoutMember> all = new ArrayList<>();
            for (int i = 0; i < members; i++) {
                all.add(LayoutMember.of(member(i, surroundings, lanes, tracer)));
            }
            return Kinds.find()
                    .layout(Place.COMMAND_LINE, level)
                    .plan(new VolumeOptions(Place.COMMAND_LINE, "v", level, options), members)
                    .assemble(all, new LayoutContext("v", folder, surroundings.context()));
        }

        private static Member member(
                int index, TestProcess surroundings, Lanes lanes, Tracer tracer) {
            Locality locality = index == 0 ? Locality.LOCAL : Locality.REMOTE;
            BlockDevice device = new MemoryDevice(MEMBER_BYTES, locality, surroundings.context());
            if (index > 0) {
                device =
                        new DelayLayer(
                                device,
                                surroundings.context().timers(),
                                request -> request.tag().id() * 7 % 5 * 30_000,
                                _ -> 20_000);
            }
            return new Member(
                    "m" + index,
                    locality,
                    device,
                    StackOptions.ofMember(OrderPolicy.Named.FIFO, 8, 0),
                    surroundings.context(),
                    lanes,
                    tracer);
        }
    }

    private static VolumeOptions.Value value(String text) {
        return new VolumeOptions.Value(Place.COMMAND_LINE, text);
    }

    @Nested
    final class LinearOfOne extends Layout {
        LinearOfOne() {
            super("linear", 1, Map.of());
        }
    }

    @Nested
    final class LinearOfThree extends Layout {
        LinearOfThree() {
            super("linear", 3, Map.of());
        }
    }

    @Nested
    final class StripeOfThree extends Layout {
        StripeOfThree() {
            super("raid0", 3, Map.of("chunk", value("8KiB")));
        }
    }

    @Nested
    final class LinearOfThreeWithSuperblocks extends Layout {
        LinearOfThreeWithSuperblocks() {
            super("linear", 3, Map.of("metadata", value("start")));
        }
    }

    @Nested
    final class StripeOfThreeWithSuperblocks extends Layout {
        StripeOfThreeWithSuperblocks() {
            super("raid0", 3, Map.of("chunk", value("8KiB"), "metadata", value("end")));
        }
    }

    @Nested
    final class MirrorOfThree extends Layout {
        MirrorOfThree() {
            super("raid1", 3, Map.of("assume-clean", value("true")));
        }
    }

    @Nested
    final class MirrorOfThreeWithOneBehind extends Layout {
        MirrorOfThreeWithOneBehind() {
            super("raid1", 3, Map.of("assume-clean", value("true"), "write-behind", value("m2")));
        }
    }
}
