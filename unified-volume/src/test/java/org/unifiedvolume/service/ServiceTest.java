package org.unifiedvolume.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.ConfigReader;
import org.unifiedvolume.control.ControlClient;
import org.unifiedvolume.control.ControlFault;
import org.unifiedvolume.control.Request;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.volume.Volume;

@Timeout(60)
class ServiceTest {
    @TempDir private Path folder;
    private final FakeKinds fakes = new FakeKinds();

    private Service start(String volumes) throws ConfigFault, ServiceFault {
        return Service.start(
                Planner.plan(
                        ConfigReader.read(Path.of("uvol.yaml"), folder, "volumes:\n" + volumes),
                        fakes.kinds()),
                new Registry(folder.resolve("registry")));
    }

    private static String volume(String name, String members, String rest) {
        return "- {name: %s, level: first, members: [%s]%s}\n".formatted(name, members, rest);
    }

    private static Map<String, Object> call(Service service, Request request)
            throws ControlFault, IOException {
        return ControlClient.call(service.stateFolder().resolve("control.sock"), request);
    }

    private static List<String> until(List<String> log, String last) {
        return log.subList(0, log.indexOf(last) + 1);
    }

    @Test
    void checksEverythingBeforeItOpensAnything() throws Exception {
        start(
                        volume("v", "'here:a', 'far:b'", ", exports: ['door:x']")
                                + volume("w", "'here:c'", ", exports: ['door:y']"))
                .close();
        assertEquals(
                List.of(
                        "check here:a",
                        "check far:b",
                        "check door:x",
                        "check here:c",
                        "check door:y"),
                until(fakes.log(), "check door:y"));
        assertTrue(fakes.log().indexOf("serve door:x") > fakes.log().indexOf("open here:c"));
    }

    @Test
    void stopsServingBeforeItFlushesAndClosesInReverseOrder() throws Exception {
        Service service =
                start(
                        volume("low", "'here:a'", "")
                                + volume("top", "'volume:low'", ", exports: ['door:x']"));
        int before = fakes.log().size();
        service.close();
        assertEquals(
                List.of(
                        "close door:x",
                        "flush top",
                        "flush low",
                        "flush here:a",
                        "close top",
                        "flush low",
                        "flush here:a",
                        "close low",
                        "close here:a"),
                fakes.log().subList(before, fakes.log().size()));
    }

    @Test
    void leavesNoRecordWhenItHasEnded() throws Exception {
        Service service = start(volume("v", "'here:a'", ""));
        Path state = service.stateFolder();
        assertEquals(
                "rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(state)));
        assertEquals(1, new Registry(folder.resolve("registry")).running().size());
        service.close();
        assertFalse(Files.exists(state.resolve("control.sock")));
        assertFalse(Files.exists(state.resolve("service.json")));
        assertEquals(List.of(), new Registry(folder.resolve("registry")).running());
    }

    @Test
    void takesCommandsElsewhereWhenTheFoldersPathIsTooLongForASocket() throws Exception {
        Path deep = Files.createDirectories(folder.resolve("d".repeat(120)));
        String text = "state: %s/s\nvolumes:\n%s".formatted(deep, volume("v", "'here:a'", ""));
        try (Service service =
                Service.start(
                        Planner.plan(
                                ConfigReader.read(Path.of("uvol.yaml"), folder, text),
                                fakes.kinds()),
                        new Registry(folder.resolve("registry")))) {
            Path socket = StateFolder.occupant(service.stateFolder()).socket();
            assertTrue(socket.startsWith(folder.resolve("registry")), socket.toString());
            assertTrue(ControlClient.isAlive(socket));
        }
    }

    @Nested
    class ClosesWhatItOpened {
        private List<String> problemsOf(String volumes) {
            return assertThrows(ServiceFault.class, () -> start(volumes)).problems();
        }

        private void assertNothingStaysOpen() {
            List<String> open = new ArrayList<>();
            for (String line : fakes.log()) {
                if (line.startsWith("open ") || line.startsWith("serve ")) {
                    open.add(line.substring(line.indexOf(' ') + 1));
                } else if (line.startsWith("close ")) {
                    open.remove(line.substring("close ".length()));
                }
            }
            assertEquals(List.of(), open);
            assertEquals(List.of(), new Registry(folder.resolve("registry")).running());
        }

        @Test
        void notEvenOpensWhenAnyCheckFails() {
            assertEquals(
                    List.of(
                            "uvol.yaml:2:37: volume v: here:a?fail=check cannot be had; choose"
                                    + " another",
                            "uvol.yaml:2:69: volume v: door:x?fail=check is taken; choose another"),
                    problemsOf(
                            volume(
                                    "v",
                                    "'here:a?fail=check'",
                                    ", exports: ['door:x?fail=check']")));
            assertFalse(Files.exists(folder.resolve("state")));
            assertTrue(fakes.log().stream().allMatch(line -> line.startsWith("check ")));
        }

        @Test
        void whenALocalMemberDoesNotOpenThatTheLayoutNeeds() {
            assertEquals(
                    List.of("uvol.yaml:3:37: volume w: here:c?fail=open does not open; try later"),
                    problemsOf(
                            volume("v", "'here:a'", "") + volume("w", "'here:c?fail=open'", "")));
            assertNothingStaysOpen();
        }

        @Test
        void whenNoMemberOpens() {
            assertEquals(
                    2, problemsOf(volume("v", "'far:a?fail=open', 'far:b?fail=open'", "")).size());
            assertNothingStaysOpen();
        }

        @Test
        void whenAnExportDoesNotOpen() {
            assertEquals(
                    List.of("uvol.yaml:2:68: volume v: door:y?fail=open does not open; try later"),
                    problemsOf(
                            volume("v", "'here:a'", ", exports: ['door:x', 'door:y?fail=open']")));
            assertNothingStaysOpen();
        }

        @Test
        void whenAVolumeBelowDoesNotOpen() {
            List<String> problems =
                    problemsOf(
                            volume("low", "'far:a?fail=open'", "")
                                    + volume("top", "'volume:low', 'here:b'", ""));
            assertTrue(problems.getFirst().contains("far:a?fail=open does not open"));
            assertNothingStaysOpen();
        }

        @Test
        void whenAnotherServiceHasTheStateFolder() throws Exception {
            Service first = start(volume("v", "'here:a'", ""));
            List<String> problems = problemsOf(volume("w", "'here:b'", ""));
            assertTrue(
                    problems.getFirst()
                            .startsWith(
                                    "%s: another service (process %d) runs here; stop it"
                                            .formatted(
                                                    folder.resolve("state"),
                                                    ProcessHandle.current().pid())),
                    problems.toString());
            assertEquals("v", status(first).get("name"));
            first.close();
            start(volume("v", "'here:a'", "")).close();
        }
    }

    private static Map<?, ?> status(Service service) throws ControlFault, IOException {
        return (Map<?, ?>)
                ((List<?>) call(service, Request.of("status")).get("volumes")).getFirst();
    }

    @Test
    void goesOnWithoutAMemberThatTheLayoutCanSpare() throws Exception {
        for (String spared : List.of("far:b?fail=open", "here:b?fail=open")) {
            try (Service service = start(volume("v", "'here:a', '%s'".formatted(spared), ""))) {
                Map<?, ?> status = status(service);
                assertEquals("DEGRADED", status.get("state"));
                assertEquals("a member is missing", status.get("reason"));
                Map<?, ?> gone = (Map<?, ?>) ((List<?>) status.get("members")).get(1);
                assertEquals("UNAVAIL", gone.get("state"));
                assertEquals(spared + " does not open; try later", gone.get("reason"));
            }
        }
        try (Service service = start(volume("v", "'here:a', 'here:b?fail=check'", ""))) {
            assertEquals("v", status(service).get("name"));
        }
    }

    private static void read(Service service, String name) throws Exception {
        Volume volume = service.volume(name).volume();
        CompletableFuture<Outcome> end = new CompletableFuture<>();
        volume.submit(
                new IoRequest.Read(volume.tag(Operation.READ, 4096, 8192, 1), 4096, 8192),
                (_, outcome) -> end.complete(outcome));
        end.get(10, TimeUnit.SECONDS).discard();
    }

    @Nested
    class Commands {
        @Test
        void showTheStatusInThisForm() throws Exception {
            try (Service service = start(volume("v", "'here:a'", ", exports: ['door:x']"))) {
                Map<?, ?> status = status(service);
                assertEquals(
                        "[name, level, state, reason, since, remedy, locality, sizeBytes, readOnly,"
                                + " members, exports, clients, attachments, underWay]",
                        status.keySet().toString());
                assertEquals("ONLINE", status.get("state"));
                assertEquals(List.of("door:x"), status.get("exports"));
                assertEquals(1L << 20, status.get("sizeBytes"));
            }
        }

        @Test
        void showIostatInThisForm() throws Exception {
            try (Service service = start(volume("v", "'here:a'", ""))) {
                List<Map<String, Object>> reports = new ArrayList<>();
                ControlClient.call(
                        service.stateFolder().resolve("control.sock"),
                        Request.of("iostat").with("millis", 10).with("count", 2),
                        reports::add);
                assertEquals(2, reports.size());
                Map<?, ?> volume = (Map<?, ?>) ((List<?>) reports.get(0).get("volumes")).getFirst();
                List<?> lines = (List<?>) volume.get("lines");
                assertEquals(
                        List.of("v", "LOCAL", "REMOTE", "here:a"),
                        lines.stream().map(line -> ((Map<?, ?>) line).get("name")).toList());
                assertEquals(
                        "[requests, bytes, requestsPerSecond, bytesPerSecond, p50Nanos, p99Nanos,"
                                + " p999Nanos]",
                        ((Map<?, ?>) ((Map<?, ?>) lines.getFirst()).get("read"))
                                .keySet()
                                .toString());
            }
        }

        @Test
        void traceRequestsWithTheirChildren() throws Exception {
            try (Service service =
                    start(volume("low", "'far:a'", "") + volume("top", "'volume:low'", ""))) {
                List<Map<String, Object>> events = new ArrayList<>();
                ControlClient.call(
                        service.stateFolder().resolve("control.sock"),
                        Request.of("trace").with("volume", "top").with("count", 1),
                        event -> {
                            events.add(event);
                            if (event.containsKey("watching")) {
                                try {
                                    read(service, "top");
                                } catch (Exception e) {
                                    throw new AssertionError(e);
                                }
                            }
                            return true;
                        });
                Map<?, ?> request = events.get(1);
                assertEquals("READ", request.get("operation"));
                assertEquals(4096L, request.get("offsetBytes"));
                assertEquals(8192L, request.get("lengthBytes"));
                Map<?, ?> child = (Map<?, ?>) ((List<?>) request.get("children")).getFirst();
                assertEquals("volume:low", child.get("place"));
                assertEquals("REMOTE", child.get("locality"));
            }
        }

        @Test
        void takeMembersOutAndPutThemBack() throws Exception {
            try (Service service = start(volume("v", "'here:a', 'far:b'", ""))) {
                call(service, Request.of("fail").with("volume", "v").with("member", "far"));
                Request readd = Request.of("re-add").with("volume", "v").with("member", "far:b");
                assertEquals(
                        "far:b must not be trusted; add --assume-clean",
                        assertThrows(ControlFault.class, () -> call(service, readd)).getMessage());
                call(service, readd.with("assumeClean", true));
                assertTrue(fakes.log().containsAll(List.of("fail far:b", "re-add far:b")));
            }
        }

        @Test
        void replaceRemoveAddAndScrub() throws Exception {
            try (Service service = start(volume("v", "'here:a', 'far:b'", ""))) {
                Request on = Request.of("x").with("volume", "v");
                call(service, as("replace", on.with("member", "here").with("uri", "here:c")));
                call(service, as("remove", on.with("member", "far:b")));
                call(service, as("add", on.with("uri", "here:d")));
                call(service, as("grow", on.with("size", 8192L)));
                call(service, as("scrub", on.with("maxRate", 4096L)));
                Request three = on.with("legs", 3L).with("added", List.of("here:e"));
                assertEquals(3L, call(service, as("grow", three)).get("legs"));
                call(service, as("grow", on.with("legs", 2L).with("gone", List.of("far"))));
                assertTrue(
                        fakes.log()
                                .containsAll(
                                        List.of(
                                                "replace here:a by here:c",
                                                "remove far:b",
                                                "add here:d",
                                                "grow 8192",
                                                "3 legs, more [here:e], without []",
                                                "2 legs, more [], without [far:b]",
                                                "scrub 4096")));
                assertThrows(
                        ControlFault.class,
                        () -> call(service, as("scrub", on.with("stop", true))));
                String refused =
                        assertThrows(
                                        ControlFault.class,
                                        () ->
                                                call(
                                                        service,
                                                        as(
                                                                "add",
                                                                on.with(
                                                                        "uri",
                                                                        "here:e?fail=open"))))
                                .getMessage();
                assertTrue(refused.contains("does not open; try later"), refused);
            }
        }

        @Test
        void giveAnArrayMoreMembersOrCloseThemAgain() throws Exception {
            try (Service service = start(volume("v", "'here:a', 'far:b'", ""))) {
                Request more =
                        Request.of("grow")
                                .with("volume", "v")
                                .with("added", List.of("here:c", "here:d"));
                assertThrows(ControlFault.class, () -> call(service, more));
                assertTrue(
                        fakes.log()
                                .containsAll(
                                        List.of("extend by 2", "close here:c", "close here:d")),
                        fakes.log().toString());
                Map<?, ?> answer = call(service, more.with("force", true));
                assertEquals(
                        (long) answer.get("size") * 3,
                        (long) answer.get("later"),
                        "as the fake says");
                Request half = more.with("added", List.of("here:e", "here:f?fail=open"));
                String refused =
                        assertThrows(ControlFault.class, () -> call(service, half)).getMessage();
                assertTrue(refused.contains("does not open"), refused);
                assertTrue(fakes.log().contains("close here:e"), fakes.log().toString());
            }
        }

        private static Request as(String command, Request request) {
            return new Request(command, request.arguments());
        }

        @Test
        void stopAVolumeThatNobodyUses() throws Exception {
            try (Service service = start(volume("v", "'here:a', 'far:b'", ""))) {
                Request stop = Request.of("stop").with("volume", "v");
                var client = service.volume("v").volume().connect("nbd somebody");
                ControlFault refused = assertThrows(ControlFault.class, () -> call(service, stop));
                assertTrue(refused.getMessage().contains("nbd somebody"), refused.getMessage());
                service.volume("v").volume().disconnect(client);

                call(service, stop);

                assertTrue(
                        fakes.log().containsAll(List.of("flush v", "close v")),
                        fakes.log()::toString);
                assertThrows(ControlFault.class, () -> call(service, stop));
            }
            assertEquals(1, fakes.log().stream().filter("close v"::equals).count());
        }

        @Test
        void nameWhatThereIsWhenTheyAreWrong() throws Exception {
            try (Service service = start(volume("media", "'here:a'", ""))) {
                assertEquals(
                        "there is no volume \"medai\"; did you mean \"media\"? known ones are"
                                + " media",
                        assertThrows(
                                        ControlFault.class,
                                        () ->
                                                call(
                                                        service,
                                                        Request.of("status")
                                                                .with("volume", "medai")))
                                .getMessage());
                assertEquals(
                        "\"x\" is no member of volume media; its members are here:a",
                        assertThrows(
                                        ControlFault.class,
                                        () ->
                                                call(
                                                        service,
                                                        Request.of("fail")
                                                                .with("volume", "media")
                                                                .with("member", "x")))
                                .getMessage());
            }
        }
    }
}
