package org.unifiedvolume.cli;

import java.io.IOException;
import java.util.concurrent.Callable;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.Place;
import org.unifiedvolume.config.Units;
import org.unifiedvolume.control.ControlFault;
import org.unifiedvolume.control.Request;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `uvol scrub NAME`: compares all copies, or data with parity.
@Command(
        name = "scrub",
        description = {
            "Compares all copies of an array, or its data with parity, beside the work of clients.",
            "",
            "With --wait: exit code 1 if something differed and was not repaired."
        },
        footer = {
            "",
            "Examples:",
            "  uvol scrub media --wait",
            "  uvol scrub media --repair --max-rate 50MiB",
            "  uvol detail media                 how far it is, what it found"
        })
final class ScrubCommand implements Callable<Integer> {
    private static final long LOOK_MILLIS = 500;

    @Mixin private Chosen chosen;
    @Spec private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "NAME", description = "The volume.")
    private String volume;

    @Option(names = "--repair", description = "Make right what differs.")
    private boolean repair;

    @Option(names = "--max-rate", paramLabel = "SIZE", description = "At most so much a second.")
    private String maxRate;

    @Option(names = "--stop", description = "Stop the scrub that is under way.")
    private boolean stop;

    @Option(names = "--wait", description = "Wait for its end and say what was found.")
    private boolean waits;

    @Override
    public Integer call() throws ConfigFault, ControlFault, IOException, InterruptedException {
        long rate = maxRate == null ? 0 : Units.parseSize(Place.COMMAND_LINE, maxRate);
        chosen.call(
                Request.of("scrub")
                        .with("volume", volume)
                        .with("repair", repair)
                        .with("maxRate", rate)
                        .with("stop", stop));
        if (stop || !waits) {
            spec.commandLine()
                    .getOut()
                    .printf("%s: scrub %s%n", volume, stop ? "stopped" : "started");
            return Main.DONE;
        }
        Reply job = awaitEnd();
        String problem = job.text("problem");
        if (!problem.isEmpty()) {
            throw new ControlFault("%s: the scrub did not end: %s".formatted(volume, problem));
        }
        long wrong = job.number("wrong");
        String found =
                wrong == 0
                        ? "nothing differs"
                        : Units.size(wrong)
                                + (repair ? " differed and were made right" : " differ");
        spec.commandLine().getOut().printf("%s: scrub: %s%n", volume, found);
        return wrong == 0 || repair ? Main.DONE : Main.FAILED;
    }

    private Reply awaitEnd() throws ConfigFault, ControlFault, IOException, InterruptedException {
        while (true) {
            Reply detail = new Reply(chosen.call(Request.of("detail").with("volume", volume)));
            for (Reply job : detail.parts("jobs")) {
                if (job.text("name").equals("scrub") && job.flag("ended")) {
                    return job;
                }
            }
            Thread.sleep(LOOK_MILLIS);
        }
    }
}
