package org.unifiedvolume.cli;

import java.io.IOException;
import java.util.concurrent.Callable;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.control.ControlFault;
import org.unifiedvolume.control.Request;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `uvol fail NAME MEMBER`: stops using a member.
@Command(
        name = "fail",
        description = "Stops using a member of a volume, as if it had failed.",
        footer = {"", "Example:", "  uvol fail media nbd://10.0.0.2/b"})
final class FailCommand implements Callable<Integer> {
    @Mixin private Chosen chosen;
    @Spec private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "NAME", description = "The volume.")
    private String volume;

    @Parameters(
            index = "1",
            paramLabel = "MEMBER",
            description = "The member's URI, or a part of it that no other member has.")
    private String member;

    @Override
    public Integer call() throws ConfigFault, ControlFault, IOException {
        Reply answer =
                new Reply(
                        chosen.call(
                                Request.of("fail").with("volume", volume).with("member", member)));
        spec.commandLine()
                .getOut()
                .printf("%s: %s is not used any more%n", volume, answer.text("member"));
        return Main.DONE;
    }
}
