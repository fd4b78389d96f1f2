package org.unifiedvolume.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.ConfigReader;
import org.unifiedvolume.request.Locality;

class PlannerTest {
    private final FakeKinds fakes = new FakeKinds();

    private ServicePlan plan(String text) throws ConfigFault {
        return Planner.plan(
                ConfigReader.read(Path.of("uvol.yaml"), Path.of("/srv"), text), fakes.kinds());
    }

    private String fault(String text) {
        String message = assertThrows(ConfigFault.class, () -> plan(text)).getMessage();
        assertEquals(List.of(), fakes.log(), "something was touched");
        return message;
    }

    private static String volume(String name, String members, String rest) {
        return "- {name: %s, level: first, members: [%s]%s}\n".formatted(name, members, rest);
    }

    @Test
    void putsAVolumeBehindThoseItIsMadeOf() throws ConfigFault {
        ServicePlan plan =
                plan(
                        "volumes:\n"
                                + volume("top", "'volume:mid', 'here:x'", "")
                                + volume("mid", "'volume:low'", "")
                                + volume("low", "'far:a', 'here:b'", ""));
        assertEquals(
                List.of("low", "mid", "top"),
                plan.volumes().stream().map(VolumePlan::name).toList());
        assertEquals(
                Locality.REMOTE, plan.volumes().getLast().members().getFirst().plan().locality());
    }

    @Test
    void givesTheVolumesDeadlineToMembersWithoutTheirOwn() throws ConfigFault {
        VolumePlan volume =
                plan("volumes:\n" + volume("v", "'here:a', 'here:b?deadline=9s'", ", deadline: 3s"))
                        .volumes()
                        .getFirst();
        assertEquals(3_000_000_000L, volume.members().get(0).plan().deadlineNanos());
        assertEquals(9_000_000_000L, volume.members().get(1).plan().deadlineNanos());
    }

    @Nested
    class Refuses {
        @Test
        void anUnknownLevel() {
            assertEquals(
                    "uvol.yaml:1:28: unknown level \"fist\"; did you mean \"first\"? known ones are"
                            + " first",
                    fault("volumes: [{name: v, level: fist, members: ['here:a']}]"));
        }

        @Test
        void anUnknownScheme() {
            assertEquals(
                    "uvol.yaml:2:37: her:a has the scheme \"her\", which is none of members; did you"
                            + " mean \"here\"? known ones are far, here, volume",
                    fault("volumes:\n" + volume("v", "'her:a'", "")));
            assertEquals(
                    "uvol.yaml:2:58: here:a has the scheme \"here\", which is none of exports; known"
                            + " ones are door",
                    fault("volumes:\n" + volume("v", "'here:a'", ", exports: ['here:a']")));
        }

        @Test
        void anUnknownOption() {
            assertEquals(
                    "uvol.yaml:2:37: here:a?fial=x has an unknown option \"fial\"; did you mean"
                            + " \"fail\"? known ones are deadline, fail",
                    fault("volumes:\n" + volume("v", "'here:a?fial=x'", "")));
        }

        @Test
        void aKeyThatNeitherVolumeNorLayoutKnows() {
            assertEquals(
                    "uvol.yaml:2:55: unknown key \"chink\" in volume v of level first; did you mean"
                            + " \"chunk\"? known ones are cache, chunk, deadline, depth, exports,"
                            + " level, members, name, order, readahead, spares",
                    fault("volumes:\n" + volume("v", "'here:a'", ", chink: 64KiB")));
        }

        @Test
        void aDeviceThatIsUsedTwice() {
            assertEquals(
                    "uvol.yaml:2:47: here:a is a member already, of volume v at uvol.yaml:2:37; use"
                            + " each device once",
                    fault("volumes:\n" + volume("v", "'here:a', 'here:a'", "")));
        }

        @Test
        void aDeviceThatTwoVolumesUse() {
            assertEquals(
                    "uvol.yaml:3:37: here:a is a member already, of volume v at uvol.yaml:2:37; use"
                            + " each device once",
                    fault(
                            "volumes:\n"
                                    + volume("v", "'here:a'", "")
                                    + volume("w", "'here:a'", "")));
        }

        @Test
        void exportsInEachOthersWay() {
            assertEquals(
                    "uvol.yaml:3:58: door:x is served already, of volume v at uvol.yaml:2:58; give"
                            + " each export an address or a name of its own",
                    fault(
                            "volumes:\n"
                                    + volume("v", "'here:a'", ", exports: ['door:x']")
                                    + volume("w", "'here:b'", ", exports: ['door:x']")));
        }

        @Test
        void aVolumeMadeOfItself() {
            assertEquals(
                    "uvol.yaml:3:37: volume v would be made of itself (v of w of v); take one of"
                            + " them out",
                    fault(
                            "volumes:\n"
                                    + volume("v", "'volume:w'", "")
                                    + volume("w", "'volume:v'", "")));
        }

        @Test
        void aVolumeThatIsNotThere() {
            assertEquals(
                    "uvol.yaml:2:37: there is no volume \"media\"; did you mean \"medis\"? known"
                            + " ones are v, medis",
                    fault(
                            "volumes:\n"
                                    + volume("v", "'volume:media'", "")
                                    + volume("medis", "'here:a'", "")));
        }

        @Test
        void aMemberThatOthersMayWriteTo() {
            assertEquals(
                    "uvol.yaml:3:58: volume w is a member of volume v, so nobody else may write to"
                            + " it; leave out its exports, or export volume v",
                    fault(
                            "volumes:\n"
                                    + volume("v", "'volume:w'", "")
                                    + volume("w", "'here:a'", ", exports: ['door:x']")));
        }
    }
}
