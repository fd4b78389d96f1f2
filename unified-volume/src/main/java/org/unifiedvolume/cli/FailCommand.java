package org.unifiedvolume.cli;

import java.io.IOException;
import java.util.concurrent.Callable;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.control.ControlFault;
import org.unifiedvolume.control.Request;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// `uvol fail NAME MEMBER`: stops using a member.
@Command(
        name = "fail",
        description = "Stops using a member of a volume, as if it had failed.",
        footer = {"", "Example:", "  uvol fail media nbd://10.0.0.2/b"})
final class FailCommand implements Callable<Integer> {
    @Mixin private ChosenMember chosen;
    @Spec private CommandSpec spec;

    @Override
    public Integer call() throws ConfigFault, ControlFault, IOException {
        String member = chosen.call(Request.of("fail")).text("member");
        spec.commandLine()
                .getOut()
                .printf("%s: %s is not used any more%n", chosen.volume(), member);
        return Main.DONE;
    }
}
