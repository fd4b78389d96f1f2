package org.unifiedvolume.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.Locale;
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
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `uvol trace NAME`: every request of a volume, as it is answered.
@Command(
        name = "trace",
        description = {
            "Shows every request of a volume as it is answered, with its children: id, operation,"
                    + " locality, offset, length, when it entered and how long it took.",
            "",
            "What comes faster than it can be shown is counted and left out."
        },
        footer = {
            "",
            "Examples:",
            "  uvol trace media",
            "  uvol trace media --count 100 --json | jq 'select(.locality == \"MIXED\")'"
        })
final class TraceCommand implements Callable<Integer> {
    @Mixin private Chosen chosen;
    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "NAME", description = "The volume.")
    private String volume;

    @Option(names = "--count", paramLabel = "N", description = "End after so many requests.")
    private Long count;

    @Option(names = "--json", description = "Print one JSON object for each request.")
    private boolean json;

    @Override
    public Integer call() throws ConfigFault, ControlFault, IOException {
        if (count != null && count < 1) {
            throw new ParameterException(spec.commandLine(), "--count is less than 1");
        }
        PrintWriter out = spec.commandLine().getOut();
        chosen.call(
                Request.of("trace").with("volume", volume).with("count", count),
                event -> {
                    if (event.containsKey("watching")) {
                        return true;
                    }
                    if (json) {
                        out.println(Json.write(event));
                    } else {
                        print(out, event);
                    }
                    out.flush();
                    return !out.checkError();
                });
        return Main.DONE;
    }

    private static void print(PrintWriter out, Map<String, Object> event) {
        Reply request = new Reply(event);
        if (request.number("dropped") > 0) {
            out.printf("… %d left out%n", request.number("dropped"));
        }
        print(out, request, "");
    }

    private static void print(PrintWriter out, Reply request, String indent) {
        out.printf(
                Locale.ROOT,
                "%s#%d %s %s %d+%d %s +%s took %s%s%n",
                indent,
                request.number("id"),
                request.text("operation"),
                request.text("locality"),
                request.number("offsetBytes"),
                request.number("lengthBytes"),
                request.text("place"),
                Units.nanos(request.number("enteredNanos")),
                Units.nanos(request.number("tookNanos")),
                request.text("error").isEmpty() ? "" : " FAILED: " + request.text("error"));
        for (Reply child : request.parts("children")) {
            print(out, child, indent + "  ");
        }
    }
}
