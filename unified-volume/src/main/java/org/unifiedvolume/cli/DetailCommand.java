package org.unifiedvolume.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.Map;
import java.util.concurrent.Callable;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.Units;
import org.unifiedvolume.control.ControlFault;
import org.unifiedvolume.control.Json;
import org.unifiedvolume.control.Request;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `uvol detail NAME`: all that is known of an array that runs.
@Command(
        name = "detail",
        description = "Shows all that is known of an array: identity, legs, bitmap, jobs.",
        footer = {"", "Examples:", "  uvol detail media", "  uvol detail media --json | jq .jobs"})
final class DetailCommand implements Callable<Integer> {
    @Mixin private Chosen chosen;
    @Spec private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "NAME", description = "The volume.")
    private String volume;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws ConfigFault, ControlFault, IOException {
        Map<String, Object> answer = chosen.call(Request.of("detail").with("volume", volume));
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(Json.writeIndented(answer));
        } else {
            print(out, new Reply(answer));
        }
        return Main.DONE;
    }

    private static void print(PrintWriter out, Reply array) {
        line(out, "array", "%s (%s)".formatted(array.text("name"), array.text("uuid")));
        String chunk =
                array.number("chunk") == 0 ? "" : ", chunk " + Units.size(array.number("chunk"));
        line(out, "level", array.text("level") + chunk);
        line(out, "size", Units.size(array.number("size")));
        line(out, "metadata", "at the " + array.text("metadata"));
        Reply epoch = array.part("epoch");
        line(
                out,
                "events",
                "%d, epoch %d (%s)"
                        .formatted(
                                array.number("events"), epoch.number("number"), epoch.text("id")));
        line(out, "state", "%s since %s".formatted(array.text("state"), array.text("since")));
        lineIfAny(out, "reason", array.text("reason"));
        lineIfAny(out, "action", array.text("remedy"));
        Reply bitmap = array.part("bitmap");
        line(
                out,
                "bitmap",
                bitmap.number("region") == 0
                        ? "none"
                        : "%s dirty, a bit stands for %s"
                                .formatted(
                                        Units.size(bitmap.number("dirty")),
                                        Units.size(bitmap.number("region"))));
        line(out, "integrity", array.text("integrity"));
        for (Reply leg : array.parts("legs")) {
            member(out, "role " + leg.number("role"), leg);
            if (leg.number("checksum-errors") > 0) {
                line(out, "", leg.number("checksum-errors") + " checksum errors were found");
            }
            if (leg.number("mended") > 0) {
                line(out, "", leg.number("mended") + " failed reads were mended");
            }
        }
        array.parts("replacements").forEach(one -> member(out, "new", one));
        array.parts("spares").forEach(one -> member(out, "spare", one));
        for (Reply job : array.parts("jobs")) {
            String state = job.flag("ended") ? "ended" : "under way";
            line(out, "job", "%s, %s: %s".formatted(job.text("name"), state, job.text("words")));
            lineIfAny(out, "", job.text("problem"));
            if (job.number("wrong") > 0) {
                line(out, "", Units.size(job.number("wrong")) + " were found wrong");
            }
        }
    }

    private static void member(PrintWriter out, String label, Reply member) {
        line(
                out,
                label,
                "%s  %s  %s"
                        .formatted(
                                member.text("state"),
                                member.text("locality"),
                                member.text("name")));
        lineIfAny(out, "", member.text("reason"));
        lineIfAny(out, "", member.text("remedy"));
    }

    private static void lineIfAny(PrintWriter out, String label, String value) {
        if (!value.isEmpty()) {
            line(out, label, value);
        }
    }

    private static void line(PrintWriter out, String label, String value) {
        out.printf("%10s  %s%n", label, value);
    }
}
