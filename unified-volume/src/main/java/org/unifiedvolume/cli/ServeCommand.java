package org.unifiedvolume.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.ConfigReader;
import org.unifiedvolume.service.Planner;
import org.unifiedvolume.service.Registry;
import org.unifiedvolume.service.Service;
import org.unifiedvolume.service.ServiceFault;
import org.unifiedvolume.service.ServicePlan;
import org.unifiedvolume.spi.Kinds;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `uvol serve FILE`: runs what a file describes, in the foreground, until SIGTERM or Ctrl-C.
@Command(
        name = "serve",
        description = {
            "Runs what a configuration file describes, in the foreground.",
            "",
            "Prints one line, ready, when all exports answer. SIGTERM or Ctrl-C answers what is"
                    + " under way, unmounts, flushes and ends; a second one ends at once."
        },
        footer = {
            "",
            "A configuration file:",
            "  state: ./state                    # the service's own records",
            "  buffers: 96MiB                    # memory for payloads",
            "  volumes:",
            "    - name: media",
            "      level: raid1                  # linear raid0 raid1 raid10 raid5 raid6",
            "      members:",
            "        - file:/srv/a.img?size=10GiB",
            "        - nbd://10.0.0.2/b",
            "      exports:",
            "        - nbd://127.0.0.1:10809/media",
            "        - fuse:/srv/media.img",
            "      order: fair                   # fifo lifo deadline fair",
            "      depth: 256                    # requests under way at once",
            "      deadline: 5s                  # for members that give none of their own",
            "      cache: 64MiB",
            "      readahead: 1MiB",
            "",
            "Examples:",
            "  uvol serve uvol.yaml",
            "  uvol serve uvol.yaml --check      only say whether the file is right"
        })
final class ServeCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "FILE", description = "The configuration file (YAML).")
    private Path file;

    @Option(names = "--check", description = "Check the file, open nothing.")
    private boolean checkOnly;

    @Option(
            names = "--with-parent",
            paramLabel = "PID",
            hidden = true,
            description = "End when that process ends; leave Ctrl-C to it.")
    private Long parent;

    @Override
    public Integer call() throws ConfigFault, ServiceFault, InterruptedException {
        ServicePlan plan = Planner.plan(ConfigReader.read(file), Kinds.find());
        PrintWriter out = spec.commandLine().getOut();
        if (checkOnly) {
            out.printf("%s describes %d volumes%n", file, plan.volumes().size());
            return Main.DONE;
        }
        CountDownLatch stop = new CountDownLatch(1);
        Signals.on("TERM", () -> stopOrForce(stop));
        for (String signal : List.of("INT", "HUP")) {
            Signals.on(signal, parent == null ? () -> stopOrForce(stop) : () -> {});
        }
        if (parent != null) {
            ProcessHandle.of(parent)
                    .ifPresentOrElse(
                            process -> process.onExit().thenRun(stop::countDown), stop::countDown);
        }
        try (Service _ = Service.start(plan, Registry.ofUser(System.getenv()))) {
            if (stop.getCount() > 0) {
                out.println("ready");
                out.flush();
            }
            stop.await();
        }
        return Main.DONE;
    }

    /// The first signal asks for the end, the second one forces it.
    private static void stopOrForce(CountDownLatch stop) {
        if (stop.getCount() == 0) {
            Runtime.getRuntime().halt(Main.FAILED);
        }
        stop.countDown();
    }
}
