package org.unifiedvolume.targets;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.ServiceLoader;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.provider.MethodSource;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.ConfigReader;
import org.unifiedvolume.config.ServiceConfig;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.service.Planner;
import org.unifiedvolume.service.ServicePlan;
import org.unifiedvolume.spi.ExportKind;
import org.unifiedvolume.spi.Kinds;
import org.unifiedvolume.spi.LayoutContext;
import org.unifiedvolume.spi.LayoutKind;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.spi.LayoutPlan;
import org.unifiedvolume.spi.MemberKind;
import org.unifiedvolume.spi.VolumeOptions;
import org.unifiedvolume.targets.nbd.Mutator;

/// Whatever a configuration file holds, it becomes a plan or a fault that names the place and the
/// remedy; with the real kinds of members and exports, so that their URIs are tried too.
///
/// In a normal build the seeds are replayed, and mutated for two seconds; `mvn -Pfuzz test -pl
/// targets -am` looks for new ones.
class ConfigFuzzTest {
    private static final long MUTATE_NANOS = 2_000_000_000L;
    private static final Path FOLDER = Path.of("/nonexistent");
    private static final Kinds KINDS =
            new Kinds(
                    ServiceLoader.load(MemberKind.class),
                    ServiceLoader.load(ExportKind.class),
                    List.of(new AnyLayout()),
                    List.of());

    /// Stands in for the layouts of another module: takes every number of members.
    private static final class AnyLayout implements LayoutKind, LayoutPlan {
        @Override
        public Set<String> levels() {
            return Set.of("linear", "raid0", "raid1");
        }

        @Override
        public LayoutPlan plan(VolumeOptions options, int memberCount) throws ConfigFault {
            options.size("chunk", 0);
            return this;
        }

        @Override
        public int leastMembers() {
            return 1;
        }

        @Override
        public BlockDevice assemble(List<LayoutMember> members, LayoutContext context)
                throws IOException {
            throw new IOException("plans are not opened here");
        }
    }

    private static ServicePlan plan(byte[] input) throws ConfigFault {
        String text = new String(input, StandardCharsets.UTF_8);
        ServiceConfig config = ConfigReader.read(FOLDER.resolve("uvol.yaml"), FOLDER, text);
        return Planner.plan(config, KINDS);
    }

    private static void use(byte[] input) {
        try {
            plan(input);
        } catch (ConfigFault fault) {
            String message = fault.getMessage();
            assertTrue(message.startsWith("/nonexistent/uvol.yaml"), message);
            assertTrue(message.contains("; "), () -> "no remedy: " + message);
        }
    }

    @MethodSource("seeds")
    @FuzzTest(maxDuration = "2m")
    void anyText(byte[] input) {
        use(input);
    }

    @Test
    void mutatedFiles() {
        Mutator.run(seeds(), MUTATE_NANOS, ConfigFuzzTest::use);
    }

    @Test
    void theSeedsAreValid() {
        for (byte[] seed : seeds()) {
            assertDoesNotThrow(() -> plan(seed), () -> new String(seed, StandardCharsets.UTF_8));
        }
    }

    static List<byte[]> seeds() {
        return List.of(
                seed(
                        """
                        volumes:
                          - name: media
                            level: linear
                            members: [ /srv/a.img ]
                        """),
                seed(
                        """
                        state: ./state
                        buffers: 64MiB
                        volumes:
                          - name: stripe
                            level: raid0
                            chunk: 128KiB
                            order: fair
                            depth: 32
                            deadline: 5s
                            cache: 16MiB
                            members:
                              - "file:/srv/a%20b.img?size=10GiB&direct=true&workers=4"
                              - nbd://[::1]:10810/b?connections=4&replay=1MiB&readonly=false
                              - nbd+unix:///x?socket=/run/x
                            exports:
                              - nbd://127.0.0.1:0/stripe?connections=9
                              - fuse:/srv/stripe.img?readonly=true
                          - name: on-top
                            level: raid1
                            members: [ "volume:base", nbd://far/c ]
                          - {name: base, level: linear, members: ['file:c.img']}
                        """));
    }

    private static byte[] seed(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
