package org.unifiedvolume.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.unifiedvolume.stack.OrderPolicy;

class ConfigReaderTest {
    private static final String WHOLE =
            """
            state: ./records
            buffers: 64MiB
            volumes:
              - name: media
                level: raid1
                chunk: 128KiB
                members:
                  - file:/srv/a.img
                  - nbd://10.0.0.2/b
                exports: [nbd://127.0.0.1:10809/media]
                order: fair
                depth: 32
                deadline: 5s
                cache: 16MiB
                readahead: 512KiB
            """;

    private static ServiceConfig read(String text) throws ConfigFault {
        return ConfigReader.read(Path.of("uvol.yaml"), Path.of("/srv/uvol"), text);
    }

    private static String fault(String text) {
        return assertThrows(ConfigFault.class, () -> read(text)).getMessage();
    }

    private static String faultOfVolume(String lines) {
        return fault("volumes:\n  - name: v\n    level: raid0\n    members: [/a]\n" + lines);
    }

    @Nested
    class AFileThatIsRight {
        @Test
        void becomesPlacesAndValues() throws ConfigFault {
            ServiceConfig config = read(WHOLE);
            assertEquals(Path.of("/srv/uvol/records"), config.stateFolder());
            assertEquals(64L << 20, config.buffersBytes());
            VolumeConfig media = config.volumes().getFirst();
            assertEquals("uvol.yaml:4:5", media.place().toString());
            assertEquals("raid1", media.level().text());
            assertEquals(
                    List.of("file:/srv/a.img", "nbd://10.0.0.2/b"),
                    media.members().stream().map(Written::text).toList());
            assertEquals("uvol.yaml:9:9", media.members().get(1).place().toString());
            assertEquals("nbd://127.0.0.1:10809/media", media.exports().getFirst().text());
            assertEquals(OrderPolicy.Named.FAIR, media.order());
            assertEquals(32, media.depth());
            assertEquals("5s", media.deadline().text());
            assertEquals(16L << 20, media.cacheBytes());
            assertEquals(512L << 10, media.readaheadBytes());
            assertEquals("128KiB", media.others().get("chunk").text());
            assertEquals(1, media.others().size());
        }

        @Test
        void needsNoMoreThanNameLevelAndMembers() throws ConfigFault {
            ServiceConfig config =
                    read("volumes: [{name: v, level: linear, members: [/srv/a.img]}]");
            assertEquals(Path.of("/srv/uvol/state"), config.stateFolder());
            VolumeConfig v = config.volumes().getFirst();
            assertEquals(List.of(), v.exports());
            assertEquals(OrderPolicy.Named.FIFO, v.order());
            assertEquals(0, v.cacheBytes());
        }
    }

    @Nested
    class RefusesTheFile {
        @Test
        void thatIsNotThere(@TempDir Path folder) {
            Path file = folder.resolve("none.yaml");
            ConfigFault fault = assertThrows(ConfigFault.class, () -> ConfigReader.read(file));
            assertEquals(
                    file + ": there is no such file; name a configuration file",
                    fault.getMessage());
        }

        @Test
        void thatIsAFolder(@TempDir Path folder) {
            ConfigFault fault = assertThrows(ConfigFault.class, () -> ConfigReader.read(folder));
            assertEquals(folder + ": this is a folder; name a file", fault.getMessage());
        }

        @Test
        void thatIsNotText(@TempDir Path folder) throws Exception {
            Path file = Files.write(folder.resolve("x.yaml"), new byte[] {(byte) 0xc3, 0x28});
            ConfigFault fault = assertThrows(ConfigFault.class, () -> ConfigReader.read(file));
            assertTrue(fault.getMessage().contains("not text in UTF-8"), fault.getMessage());
        }

        @Test
        void thatIsTooLarge() {
            assertTrue(fault("#".repeat((1 << 20) + 1)).contains("larger than 1 MiB"));
        }

        @Test
        void thatIsNotYaml() {
            assertTrue(
                    fault("volumes: [").startsWith("uvol.yaml:1:11: this is not YAML: "),
                    fault("volumes: ["));
            assertTrue(fault("a:\n\tb: c").startsWith("uvol.yaml:2:1: this is not YAML"));
            assertTrue(fault("a: \u0007").startsWith("uvol.yaml:1:4: this is not YAML"));
        }

        @Test
        void thatUsesReferences() {
            String bomb = "a: &a [x, x]\nvolumes: [*a, *a]";
            assertEquals(
                    "uvol.yaml:1:4: references (& and *) are not used here; write the value itself",
                    fault(bomb));
            assertTrue(fault("volumes: *b").contains("references"), fault("volumes: *b"));
        }

        @Test
        void thatNestsWithoutEnd() {
            assertTrue(fault("a: " + "[".repeat(5000)).contains("nested too deeply"));
            assertTrue(fault("a: " + "{b: ".repeat(5000)).contains("nested too deeply"));
        }

        @Test
        void thatHoldsTwoDocuments() {
            assertEquals(
                    "uvol.yaml:2:1: a second document begins; leave out the line with ---",
                    fault("a: b\n---\nc: d"));
        }

        @ParameterizedTest
        @ValueSource(strings = {"", "# nothing", "~", "[a]", "text"})
        void thatHoldsNoKeys(String text) {
            assertTrue(fault(text).contains("instead of keys"), fault(text));
        }

        @Test
        void withoutVolumes() {
            assertEquals(
                    "uvol.yaml:1:1: there are no volumes; describe one under \"volumes:\"",
                    fault("state: ./x"));
        }

        @Test
        void withAnEmptyListOfVolumes() {
            assertEquals(
                    "uvol.yaml:1:10: volumes: the list is empty; write at least one volume",
                    fault("volumes: []"));
        }
    }

    @Nested
    class RefusesAKey {
        @Test
        void thatNobodyKnowsAndNamesTheOneThatWasMeant() {
            assertEquals(
                    "uvol.yaml:1:1: unknown key \"volume\"; did you mean \"volumes\"? known ones"
                            + " are buffers, state, volumes",
                    fault("volume: []"));
        }

        @Test
        void thatIsThereTwice() {
            assertEquals(
                    "uvol.yaml:3:1: the key \"state\" is here for the second time, after"
                            + " uvol.yaml:1:1; keep one of them",
                    fault("state: a\nvolumes: []\nstate: b"));
        }

        @Test
        void thatIsNotAWord() {
            assertTrue(fault("? [a, b]\n: c").contains("a key is a single word, not a list"));
        }

        @Test
        void thatComesWithALaterRelease() {
            assertEquals(
                    "uvol.yaml:1:1: the web page and API come with a later release; leave out"
                            + " \"api\" for now",
                    fault("api: http://127.0.0.1:8480"));
        }

        @Test
        void ofAVolumeThatIsMissing() {
            assertEquals(
                    "uvol.yaml:1:11: volume v has no members; add \"members: a list of URIs\"",
                    fault("volumes: [{name: v, level: raid0}]"));
            assertTrue(fault("volumes: [{level: raid0}]").contains("a volume has no name"));
        }

        @Test
        void ofAVolumeThatIsMissingBecauseItIsMisspelt() {
            assertTrue(
                    fault("volumes: [{name: v, level: raid0, member: [/a]}]")
                            .startsWith(
                                    "uvol.yaml:1:35: unknown key \"member\" in volume v; did you"
                                            + " mean \"members\"?"));
        }

        @Test
        void thatHoldsAListOfMembersOnlyWhereThereCanBeOne() throws ConfigFault {
            String text =
                    "volumes: [{name: v, level: raid1, members: [a, b, c], write-behind: [b, c]}]";
            VolumeConfig volume = read(text).volumes().getFirst();
            assertEquals("b,c", volume.others().get("write-behind").text());
            assertTrue(
                    faultOfVolume("    write-behind: [[b]]").contains("a list instead of a URI"));
        }

        @Test
        void thatHoldsAListWhereTheLayoutExpectsAValue() {
            assertTrue(faultOfVolume("    chunk: [1, 2]").contains("unknown key \"chunk\""));
        }
    }

    @Nested
    class RefusesAValue {
        @ParameterizedTest
        @CsvSource(
                delimiter = '|',
                textBlock =
                        """
                        depth: 0         | depth: "0" is not a depth; write a number from 1 to 65536
                        depth: many      | depth: "many" is not a depth
                        depth: 99999999999999999999 | is not a depth
                        order: fifi      | order: "fifi" is not an order; did you mean "fifo"?
                        deadline: 5      | "5" is not a duration; write a number with ms, s, m or h
                        deadline: 0s     | deadline: no request is answered in no time
                        deadline: [5s]   | deadline: this is a list; write one value
                        cache: 64MB      | "64MB" is not a size; write a number with KiB
                        cache: 1KiB      | cache: 1 KiB is out of bounds
                        readahead: 1MiB  | readahead: there is no cache to read ahead into
                        exports: []      | exports: the list is empty
                        exports: nbd://x | exports: this is a single value instead of a list
                        exports: [[a]]   | exports: this is a list instead of a URI
                        exports: ['']    | exports: this is nothing instead of a URI
                        chunk:           | chunk: this is nothing
                        """)
        void thatIsOfTheWrongKind(String line, String expected) {
            String fault = faultOfVolume("    " + line);
            assertTrue(fault.startsWith("uvol.yaml:5:"), fault);
            assertTrue(fault.contains(expected), fault);
        }

        @Test
        void thatIsNotAVolumesName() {
            String fault = fault("volumes: [{name: a/b, level: raid0, members: [/a]}]");
            assertTrue(fault.contains("\"a/b\" is not a volume's name"), fault);
        }

        @Test
        void thatNamesTwoVolumesAlike() {
            assertEquals(
                    "uvol.yaml:3:3: a second volume is named \"v\", after uvol.yaml:2:3; give each"
                            + " volume a name of its own",
                    fault(
                            "volumes:\n- {name: v, level: raid0, members: [/a]}\n"
                                    + "- {name: v, level: raid0, members: [/b]}"));
        }

        @Test
        void ofBuffersBeyondReason() {
            assertTrue(fault("buffers: 1MiB").contains("buffers: 1 MiB is out of bounds"));
            assertTrue(fault("buffers: 9TiB").contains("from 16MiB to 64GiB"));
        }

        @Test
        void thatIsAPathWithNul() {
            assertTrue(fault("state: \"a\\0b\"").contains("NUL"), fault("state: \"a\\0b\""));
        }
    }

    /// Whatever the text is, the answer is a configuration or a fault.
    @Test
    void neverFailsOtherwise() {
        long seed = Long.getLong("uvol.seed", System.nanoTime());
        Random random = new Random(seed);
        String pieces = "\n\n  - : []{}&*!|>'\"%@`#?,~\t\\aZ0\u0085\u2028\ud83d\udd25\ufeff";
        for (int i = 0; i < 20_000; i++) {
            StringBuilder text = new StringBuilder(WHOLE);
            for (int edits = 1 + random.nextInt(6); edits > 0; edits--) {
                int at = random.nextInt(text.length());
                switch (random.nextInt(3)) {
                    case 0 -> text.setCharAt(at, pieces.charAt(random.nextInt(pieces.length())));
                    case 1 -> text.insert(at, pieces.charAt(random.nextInt(pieces.length())));
                    default -> text.delete(at, Math.min(text.length(), at + random.nextInt(40)));
                }
                if (text.isEmpty()) {
                    text.append('x');
                }
            }
            try {
                read(text.toString());
            } catch (ConfigFault e) {
                assertEquals("uvol.yaml", e.place().file());
            } catch (RuntimeException | StackOverflowError e) {
                throw new AssertionError(
                        "repeat with -Dtest=ConfigReaderTest -Duvol.seed=%d, round %d:%n%s"
                                .formatted(seed, i, text),
                        e);
            }
        }
    }
}
